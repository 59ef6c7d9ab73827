# Each plugin is one folder and one module; all modules land in plugins/.libs of the build folder.

include plugins/keepalive/local.mk
include plugins/media-proxy/local.mk
include plugins/registrar/local.mk
include plugins/session-timer/local.mk
