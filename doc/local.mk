# Man pages and guides.

dist_man_MANS += \
	doc/holdline.8 \
	doc/holdlinectl.1

dist_doc_DATA += \
	README.md \
	doc/architecture.md \
	doc/plugins.md
