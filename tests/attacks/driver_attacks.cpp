// SPDX-License-Identifier: Apache-2.0
// What an enclave, or whoever can write to its image, tries on the process driver.
#include <fcntl.h>

#include <filesystem>
#include <fstream>

#include "attacks/attack.h"
#include "eif/check.h"
#include "host/drivers/process_enclave.h"
#include "host/drivers/unpack.h"
#include "image/cpio.h"
#include "net/memory.h"
#include "net/unix.h"
#include "support/image.h"
#include "support/raw_eif.h"

namespace cages::attacks {
namespace {

namespace fs = std::filesystem;
using cages::testing::TemporaryFolder;

Bytes ramdisk_with(std::string_view name, std::string_view content) {
  Bytes out;
  image::CpioWriter writer([&](ByteView piece) {
    append(out, piece);
    return Result<void>{};
  });
  std::size_t given = 0;
  const image::Source source = [&](std::span<Byte> into) -> Result<std::size_t> {
    const std::string_view rest = content.substr(given, into.size());
    std::ranges::copy(rest, into.begin());
    given += rest.size();
    return rest.size();
  };
  EXPECT_TRUE(writer.file(name, 0755, 0, 0, content.size(), source));
  EXPECT_TRUE(writer.finish());
  return out;
}

// Between its check and its start somebody who can write to the file puts other code there.
std::string image_replaced_after_the_check(std::string_view put_there) {
  constexpr std::string_view kCode = "the code that was measured";
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "x.eif";
  test::RawEif raw = test::sample_eif();
  raw.sections[3].data = ramdisk_with("init", kCode);
  raw.sections[4].data = ramdisk_with("manifest", "policy");
  const Bytes whole = test::build(raw);
  cages::testing::write_text(path, whole);
  const eif::EifFile file = eif::open_eif(path).value();
  const eif::Measurements measured = eif::check(file).value().measurements;
  std::fstream change(path, std::ios::in | std::ios::out | std::ios::binary);
  change.seekp(static_cast<std::streamoff>(as_text(whole).find(kCode)));
  change << put_there << std::flush;
  fs::create_directory(folder.path() / "root");
  const Fd root(::open((folder.path() / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return class_of(drivers::unpack(file, measured, root.get(), drivers::Owners::collapse));
}

// The enclave's end is a link to a socket of the host's.
std::string socket_that_leads_elsewhere() {
  const TemporaryFolder folder;
  net::EventLoop loop;
  const auto elsewhere = net::listen_unix(loop, (folder.path() / "host").string()).value();
  fs::create_directory(folder.path() / "v");
  fs::create_symlink(folder.path() / "host", folder.path() / "v/v");
  auto run = drivers::RunFolder::open(folder.path() / "run").value();
  auto state = std::make_shared<drivers::ProcessState>(
      loop, drivers::IdSlot::take(machine::Mode::single_id).value(), run.claim("e", {}).value(), std::nullopt);
  auto [control, far_control] = net::memory_pair();
  auto [console, far_console] = net::memory_pair();
  state->control = std::move(control);
  state->console_stream = std::move(console);
  state->handover.folder = Fd(::open((folder.path() / "v").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  drivers::ProcessEnclave enclave(state);
  const auto connected = loop.run(enclave.connect(7010)).value();
  return connected ? "" : connected.error().expected;
}

std::vector<Attack> driver_attacks() {
  return {{"image_replaced_after_the_check", "DRIVER_CHANGED",
           [] { return image_replaced_after_the_check("the code of another person"); }},
          {"socket_that_leads_elsewhere", "a socket at /cage/v/v", socket_that_leads_elsewhere}};
}

TEST(Honest, TheImageThatWasCheckedIsUnpacked) { EXPECT_EQ(image_replaced_after_the_check("the code that was"), ""); }

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Driver, Attempt, ::testing::ValuesIn(driver_attacks()), attack_name);

}  // namespace
}  // namespace cages::attacks
