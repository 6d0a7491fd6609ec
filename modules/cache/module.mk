LIBS = -lpthread
