# Man pages and guides.

dist_man_MANS +=

dist_doc_DATA += \
	README.md \
	doc/architecture.md
