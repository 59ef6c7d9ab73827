# The small programs. They link nothing of the switch.

bin_PROGRAMS += holdlinectl
holdlinectl_SOURCES = \
	tools/cell.c \
	tools/cell.h \
	tools/client.c \
	tools/client.h \
	tools/command.c \
	tools/command.h \
	tools/holdlinectl.c \
	tools/password.c \
	tools/password.h \
	tools/terminal.c \
	tools/terminal.h \
	tools/view.c \
	tools/view.h
holdlinectl_LDADD = $(JANSSON_LIBS)
