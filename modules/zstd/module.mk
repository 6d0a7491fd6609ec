HEADER = zstd.h
PACKAGE = libzstd-dev
LIBS = -lzstd
