HEADER = brotli/encode.h brotli/decode.h
PACKAGE = libbrotli-dev
LIBS = -lbrotlienc -lbrotlidec
