// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/cmdline.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/check.h"

namespace cages::runtime {
namespace {

// What a launcher adds to describe its machine (feasibility: QEMU, the Nitro loader).
constexpr std::array<std::string_view, 3> kExpected{"virtio_mmio.device", "tsc_early_khz", "console"};

// Names (before "=") that choose what runs, from where, or with which protections. A name that ends in "." stands for
// all that begin so.
constexpr auto kForbidden = std::to_array<std::string_view>({
    // what runs and from where
    "init",
    "rdinit",
    "root",
    "rootfstype",
    "rootflags",
    "rootwait",
    "rootdelay",
    "ro",
    "rw",
    "initrd",
    "initrdmem",
    "noinitrd",
    "ramdisk_size",
    "nfsroot",
    "nfsaddrs",
    "ip",
    "single",
    "s",
    "1",
    "resume",
    "noresume",
    "hibernate",
    "dm_mod.",
    "md",
    "kexec_load_disabled",
    "crashkernel",
    "kexec.",
    "bootconfig",
    "retain_initrd",
    // modules, parameters of the kernel itself
    "module_blacklist",
    "modprobe.",
    "module.",
    "sysctl.",
    "firmware_class.",
    "initcall_blacklist",
    "blacklist",
    // security modules and integrity
    "lsm",
    "lsm.debug",
    "security",
    "selinux",
    "apparmor",
    "enforcing",
    "landlock.",
    "integrity",
    "ima",
    "ima_policy",
    "ima_appraise",
    "ima_template",
    "evm",
    "lockdown",
    "yama.",
    "capability.disable",
    "no_file_caps",
    "audit",
    // protections of the processor and of memory
    "mitigations",
    "nosmep",
    "nosmap",
    "nopti",
    "pti",
    "kpti",
    "nokaslr",
    "kaslr",
    "nospectre_v1",
    "nospectre_v2",
    "spectre_v2",
    "spectre_v2_user",
    "spectre_bhi",
    "nospec_store_bypass_disable",
    "spec_store_bypass_disable",
    "ssbd",
    "l1tf",
    "l1d_flush",
    "mds",
    "tsx",
    "tsx_async_abort",
    "mmio_stale_data",
    "retbleed",
    "srbds",
    "gather_data_sampling",
    "reg_file_data_sampling",
    "spec_rstack_overflow",
    "indirect_target_selection",
    "its",
    "tsa",
    "vmscape",
    "noibrs",
    "noibpb",
    "noxsave",
    "noxsaveopt",
    "clearcpuid",
    "cpuidle.",
    "nofsgsbase",
    "noexec",
    "noexec32",
    "rodata",
    "vsyscall",
    "vdso",
    "vdso32",
    "nousershstk",
    "cfi",
    "init_on_alloc",
    "init_on_free",
    "page_poison",
    "slub_debug",
    "slab_nomerge",
    "slab_merge",
    "hardened_usercopy",
    "randomize_kstack_offset",
    "norandmaps",
    "stack_guard_gap",
    "page_alloc.shuffle",
    "iomem",
    "strict_devmem",
    "debugfs",
    "kmemleak",
    // entropy and clock
    "random.trust_cpu",
    "random.trust_bootloader",
    "nordrand",
    "clocksource",
    "notsc",
    "no_timer_check",
    // debuggers and remote consoles
    "kgdboc",
    "kgdbcon",
    "kgdbwait",
    "kgdb",
    "ekgdboc",
    "kdb",
    "netconsole",
    "netpoll",
    "sysrq_always_enabled",
    "earlyprintk",
    "ftrace",
    "trace_event",
    "kprobe_event",
    "trace_options",
    "dyndbg",
    "dhash_entries_debug",
});

bool separator(char c) { return c == ' ' || c == '\t' || c == '\n'; }

// The kernel also splits at 0xa0 and lets quotes hold spaces: with nothing but plain characters there is one way to
// read it.
Result<void> plain(std::string_view text, std::string_view which) {
  const auto bad =
      std::ranges::find_if(text, [](char c) { return !separator(c) && (c <= ' ' || c >= 0x7f || c == '"'); });
  if (CAGES_CHECK("CMDLINE plain", bad == text.end())) return {};
  return fail(Code::CMDLINE, std::string(which), "printable ASCII without quotes", printable(std::string_view(bad, 1)));
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && !separator(text[end])) ++end;
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// The parameter's name as the kernel compares it: "-" and "_" are one (kernel/params.c, parameq).
std::string name_of(std::string_view word) {
  std::string name(word.substr(0, word.find('=')));
  std::ranges::replace(name, '-', '_');
  return name;
}

bool names(std::string_view rule, std::string_view name) {
  return rule.ends_with('.') ? name.starts_with(rule) : name == rule;
}

// "--" hands the rest to init as arguments. A word that the kernel does not know becomes init's environment: those are
// written in capitals (GLIBC_TUNABLES, OPENSSL_CONF, LD_PRELOAD).
bool forbidden(std::string_view name) {
  if (name == "__" || name.empty()) return true;
  if (std::ranges::any_of(name, [](char c) { return c >= 'A' && c <= 'Z'; })) return true;
  return std::ranges::any_of(kForbidden, [&](std::string_view rule) { return names(rule, name); });
}

}  // namespace

Result<std::vector<std::string>> compare_cmdline(std::string_view measured, std::string_view running) {
  TRY(plain(measured, "measured"));
  TRY(plain(running, "running"));
  const std::vector<std::string_view> wanted = words_of(measured);
  std::vector<std::string> noted;
  std::size_t next = 0;
  for (const std::string_view word : words_of(running)) {
    if (next < wanted.size() && word == wanted[next]) {
      ++next;
      continue;
    }
    const std::string name = name_of(word);
    if (!CAGES_CHECK("CMDLINE added", !forbidden(name))) {
      return fail(Code::CMDLINE, "added word", "none that chooses what runs or how it is protected", printable(word));
    }
    if (std::ranges::find(kExpected, name) == kExpected.end()) noted.emplace_back(word);
  }
  if (!CAGES_CHECK("CMDLINE measured", next == wanted.size())) {
    return fail(Code::CMDLINE, "measured word", std::string(wanted[next]), "it lacks or is out of order");
  }
  return noted;
}

}  // namespace cages::runtime
