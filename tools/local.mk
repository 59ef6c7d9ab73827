# The small programs. With its first source a program moves from EXTRA_PROGRAMS to bin_PROGRAMS.

EXTRA_PROGRAMS += holdlinectl
holdlinectl_SOURCES =
holdlinectl_LDADD = $(JANSSON_LIBS)
