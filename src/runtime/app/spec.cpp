// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/spec.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "base/limits.h"
#include "wire/cbor.h"

namespace cages::runtime {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

void write_named(wire::CborWriter& writer, const std::vector<NamedSecret>& items) {
  writer.array(items.size());
  for (const NamedSecret& item : items) writer.text(item.name).bytes(item.value.reveal());
}

Result<std::vector<NamedSecret>> read_named(wire::CborReader& reader) {
  std::vector<NamedSecret> items;
  TRY_ASSIGN(const std::uint64_t count, reader.read_array("items"));
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const std::string_view name, reader.read_text("name"));
    TRY_ASSIGN(const ByteView value, reader.read_bytes("value"));
    items.push_back(NamedSecret{std::string(name), Secret::copy_of(value)});
  }
  return items;
}

Result<std::uint32_t> read_id(wire::CborReader& reader) {
  TRY_ASSIGN(const std::uint64_t id, reader.read_uint("id"));
  return static_cast<std::uint32_t>(id);
}

// secret: the encoded spec.
Secret encode(const AppSpec& spec) {
  wire::CborWriter writer;
  writer.text(spec.root).text(spec.cmdline).text(spec.hostname).text(spec.workdir);
  writer.array(spec.command.size());
  for (const std::string& argument : spec.command) writer.bytes(as_bytes(argument));
  write_named(writer, spec.environment);
  write_named(writer, spec.files);
  writer.uint(spec.resolver ? 1 : 0).uint(spec.user.uid).uint(spec.user.gid).array(spec.user.groups.size());
  for (const std::uint32_t group : spec.user.groups) writer.uint(group);
  return Secret(writer.take());
}

Result<AppSpec> decode(ByteView bytes) {
  wire::CborReader reader(bytes);
  AppSpec spec;
  for (std::string* text : {&spec.root, &spec.cmdline, &spec.hostname, &spec.workdir}) {
    TRY_ASSIGN(*text, reader.read_text("text"));
  }
  TRY_ASSIGN(const std::uint64_t arguments, reader.read_array("command"));
  for (std::uint64_t i = 0; i < arguments; ++i) {
    TRY_ASSIGN(const ByteView argument, reader.read_bytes("argument"));
    spec.command.emplace_back(as_text(argument));
  }
  TRY_ASSIGN(spec.environment, read_named(reader));
  TRY_ASSIGN(spec.files, read_named(reader));
  TRY_ASSIGN(const std::uint32_t resolver, read_id(reader));
  spec.resolver = resolver != 0;
  TRY_ASSIGN(spec.user.uid, read_id(reader));
  TRY_ASSIGN(spec.user.gid, read_id(reader));
  TRY_ASSIGN(const std::uint64_t groups, reader.read_array("groups"));
  for (std::uint64_t i = 0; i < groups; ++i) {
    TRY_ASSIGN(const std::uint32_t group, read_id(reader));
    spec.user.groups.push_back(group);
  }
  TRY(reader.finish());
  return spec;
}

bool has(const std::vector<NamedSecret>& items, std::string_view name) {
  return std::ranges::any_of(items, [&](const NamedSecret& item) { return item.name == name; });
}

}  // namespace

Result<AppSpec> make_spec(const wire::Manifest& manifest, const std::vector<NamedSecret>& secrets) {
  AppSpec spec;
  spec.hostname = manifest.name;
  spec.command = manifest.command;
  spec.user = manifest.user;
  spec.workdir = manifest.workdir;
  for (const wire::Variable& variable : manifest.environment) {
    spec.environment.push_back(NamedSecret{variable.name, Secret::copy_of(as_bytes(variable.value))});
  }
  for (const wire::SecretName& wanted : manifest.secrets) {
    const auto found = std::ranges::find(secrets, wanted.name, &NamedSecret::name);
    if (found == secrets.end()) return fail(Code::SECRET_MISSING, wanted.name, "a value", "none in the grant");
    NamedSecret secret{wanted.name, found->value.clone()};
    if (wanted.delivery == wire::Delivery::file) {
      spec.files.push_back(std::move(secret));
    } else if (CAGES_CHECK("SECRET_NAME replaces", !has(spec.environment, wanted.name))) {
      spec.environment.push_back(std::move(secret));
    } else {
      return fail(Code::SECRET_NAME, wanted.name, "a name that the image does not set", "one that it sets");
    }
  }
  if (!has(spec.environment, "PATH")) spec.environment.push_back({"PATH", Secret::copy_of(as_bytes(kDefaultPath))});
  if (!has(spec.environment, "HOME")) {
    spec.environment.push_back({"HOME", Secret::copy_of(as_bytes(spec.user.uid == 0 ? "/root" : "/"))});
  }
  return spec;
}

Result<Fd> seal_spec(const AppSpec& spec) {
  Fd file(memfd_create("app", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return fail(errno_error("memfd_create", errno));
  const Secret bytes = encode(spec);
  for (ByteView rest = bytes.reveal(); !rest.empty();) {
    const ssize_t wrote = write(file.get(), rest.data(), rest.size());
    if (wrote < 0) return fail(errno_error("write", errno));
    rest = rest.subspan(static_cast<std::size_t>(wrote));
  }
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    return fail(errno_error("F_ADD_SEALS", errno));
  }
  return file;
}

Result<AppSpec> read_spec(int fd) {
  struct stat info{};
  if (fstat(fd, &info) != 0) return fail(errno_error("fstat", errno));
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > limits::kAppSpecBytesMax) {
    return fail(Code::LIMIT, "app", std::to_string(limits::kAppSpecBytesMax) + " bytes", std::to_string(size));
  }
  Secret bytes(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t got = pread(fd, bytes.reveal_mutable().data() + at, size - at, static_cast<off_t>(at));
    if (got <= 0) return fail(errno_error("pread", errno));
    at += static_cast<std::size_t>(got);
  }
  return decode(bytes.reveal());
}

}  // namespace cages::runtime
