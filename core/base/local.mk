# base: slices, list, hash, pools, errors, log, clock, random. Needs nothing.

core_libcore_a_SOURCES += \
	core/base/address.c \
	core/base/clock.c \
	core/base/error.c \
	core/base/file.c \
	core/base/file.h \
	core/base/handle.c \
	core/base/hash.c \
	core/base/json.c \
	core/base/log.c \
	core/base/memory.c \
	core/base/pool.c \
	core/base/pool.h \
	core/base/random.c \
	core/base/row.c \
	core/base/slice.c \
	core/base/text.c

# Headers that a plugin reaches through holdline.h
holdlinebasedir = $(holdlinedir)/base
holdlinebase_HEADERS = \
	core/base/address.h \
	core/base/clock.h \
	core/base/error.h \
	core/base/export.h \
	core/base/function.h \
	core/base/handle.h \
	core/base/hash.h \
	core/base/json.h \
	core/base/list.h \
	core/base/log.h \
	core/base/memory.h \
	core/base/random.h \
	core/base/row.h \
	core/base/slice.h \
	core/base/text.h
