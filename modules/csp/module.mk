LIBS = -lcrypto -lcjson
