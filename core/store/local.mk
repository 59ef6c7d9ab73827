# store: the SQLite writer thread. SQLite lives here.

core_libcore_a_SOURCES += \
	core/store/database.c \
	core/store/journal.c \
	core/store/private.h \
	core/store/refresh.c \
	core/store/store.c \
	core/store/store.h \
	core/store/table.c \
	core/store/writer.c

# Headers that a plugin reaches through holdline.h
holdlinestoredir = $(holdlinedir)/store
holdlinestore_HEADERS =
