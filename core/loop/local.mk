# loop: the event loop, timers, sockets, worker threads. libevent and c-ares live
# here.

core_libcore_a_SOURCES += \
	core/loop/deadline.c \
	core/loop/listener.c \
	core/loop/loop.c \
	core/loop/private.h \
	core/loop/resolver.c \
	core/loop/resolver.h \
	core/loop/socket.c \
	core/loop/stream.c \
	core/loop/stream.h \
	core/loop/timer.c \
	core/loop/udp.c \
	core/loop/worker.c

# Headers that a plugin reaches through holdline.h
holdlineloopdir = $(holdlinedir)/loop
holdlineloop_HEADERS = \
	core/loop/deadline.h \
	core/loop/loop.h \
	core/loop/timer.h \
	core/loop/udp.h
