LIBS = -lcrypt -lcrypto
