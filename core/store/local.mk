# store: the SQLite writer thread. SQLite lives here.

core_libcore_a_SOURCES += \
	core/store/store.h

# Headers that a plugin reaches through holdline.h
holdlinestoredir = $(holdlinedir)/store
holdlinestore_HEADERS =
