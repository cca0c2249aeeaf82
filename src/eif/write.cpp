// SPDX-License-Identifier: Apache-2.0
#include "eif/write.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/limits.h"
#include "eif/crc.h"
#include "eif/layout.h"
#include "eif/measure.h"
#include "eif/signature.h"

namespace cages::eif {
namespace {

Result<void> write_at(int fd, std::uint64_t offset, ByteView bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error(path, errno));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

}  // namespace

struct EifWriter::State {
  std::string path;
  std::string temporary;
  Fd fd;
  FileHeader file;
  std::vector<Section> sections;
  std::uint64_t end = kHeaderBytes;  // where the next byte goes
  Measurer measurer;
  Crc crc;       // of everything after the file header
  Bytes buffer;  // of the current section, not yet written

  Result<void> flush() {
    TRY(write_at(fd.get(), end, buffer, temporary));
    crc.update(buffer);
    measurer.update(buffer);
    end += buffer.size();
    buffer.clear();
    return {};
  }

  // Small pieces are gathered, so that hashing and writing happen in large ones.
  Result<void> take(ByteView piece) {
    while (!piece.empty()) {
      const auto part = piece.first(std::min(piece.size(), limits::kEifChunkBytes - buffer.size()));
      append(buffer, part);
      piece = piece.subspan(part.size());
      if (buffer.size() == limits::kEifChunkBytes) TRY(flush());
    }
    return {};
  }

  // The section's size is known only after its content: its header is written behind, and its checksum put in between.
  Result<void> add(SectionType type, const Fill& fill) {
    if (sections.size() == limits::kEifSectionsMax) return fail(Code::EIF_SECTION_COUNT, "", "at most 32", "more");
    const std::uint64_t start = end;
    end += kSectionHeaderBytes;
    const Crc before = std::exchange(crc, Crc{});
    measurer.begin(type);
    TRY(fill([this](ByteView piece) { return take(piece); }));
    TRY(flush());
    const std::uint64_t bytes = end - start - kSectionHeaderBytes;
    const auto header = write_section_header(type, bytes);
    TRY(write_at(fd.get(), start, header, temporary));
    const Crc content = std::exchange(crc, before);
    crc.update(header);
    crc.append(content);
    sections.push_back({type, start + kSectionHeaderBytes, bytes});
    file.table.push_back({start, bytes});
    return {};
  }

  Result<void> add_in_order(SectionType type, const Fill& fill) {
    constexpr std::array order{SectionType::kernel, SectionType::cmdline, SectionType::metadata, SectionType::ramdisk};
    const SectionType due = order.at(std::min<std::size_t>(sections.size(), 3));
    if (type != due) return fail(Code::EIF_SECTIONS, "", std::string(name(due)), std::string(name(type)));
    return add(type, fill);
  }

  Result<void> complete() {
    TRY(check_sections(sections, file.header.version));
    Crc whole;
    whole.update(ByteView(write_file_header(file)).first(kCrcOffset));
    whole.append(crc);
    file.header.crc = whole.value();
    TRY(write_at(fd.get(), 0, write_file_header(file), temporary));
    // Not synced: it can be built again, a copy cut short by a crash fails its checksum, and gigabytes would be waited for.
    if (::fchmod(fd.get(), 0644) != 0) return fail(errno_error(temporary, errno));
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(errno_error(path, errno));
    temporary.clear();
    return {};
  }
};

EifWriter::EifWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
EifWriter::EifWriter(EifWriter&&) noexcept = default;
EifWriter& EifWriter::operator=(EifWriter&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}
EifWriter::~EifWriter() {
  if (state_ && !state_->temporary.empty()) ::unlink(state_->temporary.c_str());
}

Result<EifWriter> EifWriter::create(const std::filesystem::path& path, const Header& header) {
  auto state = std::make_unique<State>();
  state->path = path.string();
  std::string temporary = state->path + ".XXXXXX";
  state->fd = Fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!state->fd) return fail(errno_error(state->path, errno));
  state->temporary = std::move(temporary);
  state->file.header = header;
  state->buffer.reserve(limits::kEifChunkBytes);
  return EifWriter(std::move(state));
}

Result<void> EifWriter::kernel(const Fill& fill) { return state_->add_in_order(SectionType::kernel, fill); }

Result<void> EifWriter::cmdline(std::string_view text) {
  if (text.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos) {
    return fail(Code::EIF_CMDLINE, "", "one line without NUL", printable(text));
  }
  if (text.size() > limits::kEifCmdlineBytesMax) {
    return fail(Code::EIF_CMDLINE, "", "at most " + std::to_string(limits::kEifCmdlineBytesMax) + " bytes",
                std::to_string(text.size()));
  }
  return state_->add_in_order(SectionType::cmdline, fill_from(as_bytes(text)));
}

Result<void> EifWriter::metadata(std::string_view json) {
  return state_->add_in_order(SectionType::metadata, fill_from(as_bytes(json)));
}

Result<void> EifWriter::ramdisk(const Fill& fill) { return state_->add_in_order(SectionType::ramdisk, fill); }

Result<void> EifWriter::copy(const EifFile& file) {
  for (const Section& section : file.sections()) {
    if (section.type == SectionType::signature) continue;
    TRY(state_->add(section.type, [&](const Sink& sink) { return file.read(section, sink); }));
  }
  return {};
}

Result<Measurements> EifWriter::finish(const Signing* signing) {
  Measurements measured = state_->measurer.finish();
  if (signing != nullptr) {
    TRY_ASSIGN(const Bytes section, make_signature(signing->certificate, signing->key, measured.pcr0));
    TRY(state_->add(SectionType::signature, fill_from(section)));
    measured.pcr8 = measure_certificate(signing->certificate);
  }
  TRY(state_->complete());
  return measured;
}

Fill fill_from(ByteView bytes) {
  return [bytes](const Sink& sink) { return sink(bytes); };
}

}  // namespace cages::eif
