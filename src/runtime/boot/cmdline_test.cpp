// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/cmdline.h"

#include <gtest/gtest.h>

namespace cages::runtime {
namespace {

constexpr std::string_view kMeasured = "reboot=k panic=30 console=ttyS0 random.trust_cpu=on root=/dev/ram0";

struct Row {
  std::string running;
  std::string verdict;  // "pass", "stop", or the words noted
};

std::string verdict(std::string_view measured, std::string_view running) {
  const auto result = compare_cmdline(measured, running);
  if (!result) return error_class(result.error()) == "CMDLINE" ? "stop" : error_class(result.error());
  if (result->empty()) return "pass";
  std::string words;
  for (const std::string& word : *result) words += (words.empty() ? "" : " ") + word;
  return words;
}

TEST(Cmdline, Table) {
  const std::string measured(kMeasured);
  const std::vector<Row> rows{
      {measured, "pass"},
      {measured + "\n", "pass"},
      {"  " + measured + "  ", "pass"},
      {measured + " virtio_mmio.device=4K@0xd0000000:5 virtio_mmio.device=4K@0xd0001000:6", "pass"},
      {measured + " tsc_early_khz=2500000 console=hvc0", "pass"},
      {measured + " virtio-mmio.device=4K@0xd0000000:5", "pass"},
      {"quiet " + measured, "quiet"},
      {measured + " quiet loglevel=3", "quiet loglevel=3"},
      // a measured word lacks, differs, or is out of order
      {"reboot=k panic=30 console=ttyS0 random.trust_cpu=on", "stop"},
      {"reboot=k panic=31 console=ttyS0 random.trust_cpu=on root=/dev/ram0", "stop"},
      {"panic=30 reboot=k console=ttyS0 random.trust_cpu=on root=/dev/ram0", "stop"},
      {"", "stop"},
      // a second root= is an added one
      {measured + " root=/dev/vda", "stop"},
      {"root=/dev/vda " + measured, "stop"},
  };
  for (const Row& row : rows) EXPECT_EQ(verdict(measured, row.running), row.verdict) << row.running;
}

TEST(Cmdline, WordsThatChooseWhatRunsStopIt) {
  const std::string measured(kMeasured);
  for (const char* word : {"init=/bin/sh",
                           "rdinit=/bin/sh",
                           "root=/dev/vda",
                           "initrd=0x1,2",
                           "lsm=",
                           "mitigations=off",
                           "nokaslr",
                           "nosmep",
                           "selinux=0",
                           "single",
                           "module.sig_enforce=0",
                           "sysctl.kernel.kptr_restrict=0",
                           "sysctl.kernel/kptr_restrict=0",
                           "dm-mod.create=x",
                           "spec-store-bypass-disable=off",
                           "kgdboc=ttyS0",
                           "random.trust_cpu=off",
                           "--",
                           "-- init=/x",
                           "GLIBC_TUNABLES=glibc.malloc.check=3",
                           "OPENSSL_CONF=/x",
                           "LD_PRELOAD=/x",
                           "rodata=off",
                           "init_on_alloc=0",
                           "netconsole=@/,@10.0.0.1/",
                           "=x"}) {
    EXPECT_EQ(verdict(measured, measured + " " + word), "stop") << word;
    EXPECT_EQ(verdict(measured, std::string(word) + " " + measured), "stop") << word;
  }
}

TEST(Cmdline, WhatTheKernelMightReadOtherwiseStopsIt) {
  const std::string measured(kMeasured);
  EXPECT_EQ(verdict(measured, measured + " \"init=/x\""), "stop");
  EXPECT_EQ(verdict(measured, measured + " x=\"a init=/x\""), "stop");
  EXPECT_EQ(verdict(measured, measured + " a\xa0init=/x"), "stop");
  EXPECT_EQ(verdict(measured, measured + " a\vinit=/x"), "stop");
  EXPECT_EQ(verdict(measured, measured + std::string(" a\0init=/x", 10)), "stop");
  EXPECT_EQ(verdict("console=\"x\"", "console=\"x\""), "stop");
}

}  // namespace
}  // namespace cages::runtime
