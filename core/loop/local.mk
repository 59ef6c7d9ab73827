# loop: the event loop, timers, sockets, worker threads. libevent lives here.

core_libcore_a_SOURCES += \
	core/loop/deadline.h \
	core/loop/loop.h \
	core/loop/stream.h \
	core/loop/timer.h \
	core/loop/udp.h

# Headers that a plugin reaches through holdline.h
holdlineloopdir = $(holdlinedir)/loop
holdlineloop_HEADERS =
