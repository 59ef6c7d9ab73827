# loop: the event loop, timers, sockets, worker threads. libevent lives here.

core_libcore_a_SOURCES += \
	core/loop/stream.h

# Headers that a plugin reaches through holdline.h
holdlineloopdir = $(holdlinedir)/loop
holdlineloop_HEADERS = \
	core/loop/deadline.h \
	core/loop/loop.h \
	core/loop/timer.h \
	core/loop/udp.h
