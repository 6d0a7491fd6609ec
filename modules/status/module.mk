LIBS = -lcjson
