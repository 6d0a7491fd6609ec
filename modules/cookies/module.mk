LIBS = -lcrypto
