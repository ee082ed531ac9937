# Builds those of Xen's tools that a dom0 runs, in a configured source tree, and puts them and the
# hotplug scripts below root/ where Debian has them. The tree's own makefiles know how; this one
# names the few targets that are wanted of each folder (`make dist-tools` takes four times as long).
#
#   make -f build.mk XEN_TARGET_ARCH=riscv64 CROSS_COMPILE=riscv64-linux-gnu-

tools := $(CURDIR)/tools
root := $(CURDIR)/root
include $(CURDIR)/config/Paths.mk

libs := toolcore toollog evtchn gnttab call foreignmemory devicemodel hypfs store ctrl guest light \
    util
programs := xenstored xs-clients console/daemon console/client helpers xl

xenstored-is := xenstored
xs-clients-is := xenstore
console/daemon-is := xenconsoled
console/client-is := xenconsole
helpers-is := xen-init-dom0
xl-is := xl
lib-name = $(if $(filter util,$1),libxlutil,libxen$1)

export XEN_TARGET_ARCH CROSS_COMPILE

.PHONY: all headers $(libs) $(programs)
all: $(programs)
	rm -rf $(root)
	mkdir -p $(root)$(LIBEXEC_BIN) $(root)$(bindir) $(root)$(libdir)
	cp $(foreach p,$(filter-out xs-clients,$(programs)),$(tools)/$p/$($p-is)) $(root)$(LIBEXEC_BIN)
	cp $(tools)/xs-clients/xenstore $(root)$(bindir)
	cp -P $(foreach l,$(libs),$(tools)/libs/$l/$(call lib-name,$l).so.*) $(root)$(libdir)
	$(CROSS_COMPILE)strip --strip-unneeded $$(find $(root) -type f)
	$(MAKE) -C $(tools)/hotplug/common install DESTDIR=$(root)
	$(MAKE) -C $(tools)/hotplug/Linux install-scripts DESTDIR=$(root)

headers:
	$(MAKE) -C $(tools)/include xen-dir xen-xsm/.dir

$(libs): headers
	$(MAKE) -C $(tools)/libs/$@ $(call lib-name,$@).so

$(programs): $(libs)
	$(MAKE) -C $(tools)/$@ $($@-is)

# Who links whom (tools/libs/uselibs.mk).
toollog evtchn gnttab call foreignmemory store: toolcore
evtchn gnttab call foreignmemory devicemodel: toollog
devicemodel hypfs: call
ctrl: evtchn gnttab foreignmemory devicemodel
guest: ctrl
light: guest store hypfs
util: light
