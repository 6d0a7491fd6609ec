LIBS = -lz

# ISA-L codes several times faster than zlib; without it zlib does all.
OPTION = isal
OPTION_HEADER = isa-l/igzip_lib.h
OPTION_PACKAGE = libisal-dev
OPTION_LIBS = -lisal
OPTION_SOURCES = compressor_isal.c compressor_choose_isal.c
OPTION_INSTEAD = compressor_choose_zlib.c
OPTION_TESTS = test_gzip_isal.c
