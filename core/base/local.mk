# base: slices, list, hash, errors, log, clock, random. Needs nothing.

core_libcore_a_SOURCES +=

# Headers that a plugin reaches through holdline.h
holdlinebasedir = $(holdlinedir)/base
holdlinebase_HEADERS = \
	core/base/address.h \
	core/base/clock.h \
	core/base/error.h \
	core/base/export.h \
	core/base/handle.h \
	core/base/hash.h \
	core/base/json.h \
	core/base/list.h \
	core/base/log.h \
	core/base/memory.h \
	core/base/random.h \
	core/base/slice.h \
	core/base/text.h
