// SPDX-License-Identifier: Apache-2.0
#include "eif/describe.h"

#include "base/limits.h"
#include "crypto/certificate_text.h"
#include "eif/measure.h"
#include "eif/signature.h"

namespace cages::eif {
namespace {

void refuse(Description& out, Error error) {
  if (!out.refused) out.refused = std::move(error);
}

std::string hex32(std::uint32_t value) {
  const Bytes bytes{static_cast<Byte>(value >> 24), static_cast<Byte>(value >> 16), static_cast<Byte>(value >> 8),
                    static_cast<Byte>(value)};
  return hex(bytes);
}

Result<std::string> hash_section(const EifFile& file, const Section& section, crypto::Hasher::Algorithm algorithm) {
  crypto::Hasher hasher(algorithm);
  TRY(file.read(section, [&](ByteView piece) -> Result<void> {
    hasher.update(piece);
    return {};
  }));
  return hex(hasher.finish());
}

Result<void> hash_boot_parts(const EifFile& file, Description& out) {
  TRY_ASSIGN(out.ramdisk_sha384, hash_section(file, file.ramdisks().front(), crypto::Hasher::Algorithm::sha384));
  out.kernel_sha256 = "none";
  if (!file.has_kernel()) return {};
  TRY_ASSIGN(out.kernel_sha256, hash_section(file, file.kernel(), crypto::Hasher::Algorithm::sha256));
  return {};
}

void describe_signature(const EifFile& file, WallTime now, Description& out) {
  out.is_signed = file.find(SectionType::signature) != nullptr;
  if (!out.is_signed) return;
  const auto signature = read_signature(file);
  if (!signature) return refuse(out, signature.error());
  auto certificate = signing_certificate(*signature);
  if (!certificate) return refuse(out, certificate.error());
  out.measurements.pcr8 = measure_certificate(*certificate);
  const auto verified = verify_signature(*signature, *certificate, out.measurements.pcr0);
  out.signature_right = verified.has_value();
  if (!verified) refuse(out, verified.error());
  if (now < certificate->not_before() || now > certificate->not_after()) {
    out.notes.push_back(
        "the signing certificate is outside its validity: nitro-cli refuses to run the image, though its PCR8 stays");
  }
  out.signer = std::move(*certificate);
}

void describe_metadata(const EifFile& file, Description& out) {
  const Section* section = file.find(SectionType::metadata);
  if (section == nullptr) return;
  const auto text = file.read_whole(*section, limits::kEifMetadataBytesMax);
  auto metadata = text ? parse_metadata(as_text(*text)) : Result<Metadata>(fail(text.error()));
  if (metadata) {
    out.metadata = std::move(*metadata);
  } else {
    out.notes.push_back("the metadata cannot be shown (" + describe(metadata.error()) +
                        "); it is not measured and decides nothing");
  }
}

void describe_layout(const EifFile& file, Description& out) {
  if (out.gap_bytes != 0) {
    out.notes.push_back("gaps: " + std::to_string(out.gap_bytes) +
                        " bytes belong to no section; the hypervisor boots the file, nitro-cli cannot describe it");
  }
  if (!file.has_kernel()) out.notes.push_back("there is no kernel in it: it runs under the process driver alone");
  if (out.cmdline.find_first_of("\r\n") != std::string::npos) {
    out.notes.push_back("the kernel command line holds a line break, which is measured");
  }
}

Json certificate_json(const crypto::Certificate& certificate) {
  const crypto::CertificateText text = crypto::certificate_text(certificate);
  Json issuer = Json::object();
  for (const auto& [name, value] : text.issuer) issuer.set(name, value);
  return Json::object({{"IssuerName", issuer},
                       {"Algorithm", text.algorithm},
                       {"NotBefore", text.not_before},
                       {"NotAfter", text.not_after},
                       {"Signature", text.signature}});
}

Json metadata_json(const Metadata& metadata) {
  Json out = Json::object({{"BuildTime", metadata.build_time},
                           {"BuildTool", metadata.build_tool},
                           {"BuildToolVersion", metadata.build_tool_version},
                           {"OperatingSystem", metadata.operating_system},
                           {"KernelVersion", metadata.kernel_version},
                           {"DockerInfo", metadata.docker_info}});
  if (!metadata.custom_metadata.is_null()) out.set("CustomMetadata", metadata.custom_metadata);
  return out;
}

Json sections_json(const Description& description) {
  Json::Array rows;
  for (const Section& section : description.sections) {
    rows.push_back(Json::object({{"Type", name(section.type)}, {"Offset", section.offset}, {"Bytes", section.bytes}}));
  }
  return rows;
}

Json notes_json(const Description& description) {
  Json::Array rows;
  for (const std::string& note : description.notes) rows.emplace_back(note);
  return rows;
}

}  // namespace

Result<Description> describe_image(const std::filesystem::path& path, WallTime now) {
  TRY_ASSIGN(auto source, open_source(path));
  TRY_ASSIGN(const EifFile file, EifFile::open(std::move(source), Gaps::report));
  Description out;
  out.header = file.header();
  out.sections = file.sections();
  out.gap_bytes = file.gap_bytes();
  out.cmdline = file.cmdline();
  TRY_ASSIGN(const Measured measured, measure(file));
  out.measurements = measured.pcrs;
  out.crc_right = measured.crc == out.header.crc;
  if (!out.crc_right) refuse(out, Error(Code::EIF_CRC, "", hex32(measured.crc), hex32(out.header.crc)));
  TRY(hash_boot_parts(file, out));
  describe_signature(file, now, out);
  describe_metadata(file, out);
  describe_layout(file, out);
  return out;
}

Json measurements_json(const Measurements& measurements) {
  Json out = Json::object({{"HashAlgorithm", "Sha384 { ... }"},
                           {"PCR0", hex(measurements.pcr0)},
                           {"PCR1", hex(measurements.pcr1)},
                           {"PCR2", hex(measurements.pcr2)}});
  if (measurements.pcr8) out.set("PCR8", hex(*measurements.pcr8));
  return out;
}

Json description_json(const Description& description, const RuntimeReleases& releases) {
  const auto match = find_release(releases, description.measurements.pcr1, description.ramdisk_sha384);
  Json out = Json::object({{"EifVersion", unsigned{description.header.version}},
                           {"Measurements", measurements_json(description.measurements)},
                           {"IsSigned", description.is_signed}});
  if (description.signer) out.set("SigningCertificate", certificate_json(*description.signer));
  out.set("CheckCRC", description.crc_right);
  if (description.is_signed) out.set("SignatureCheck", description.signature_right);
  if (description.metadata) {
    out.set("ImageName", description.metadata->image_name);
    out.set("ImageVersion", description.metadata->image_version);
    out.set("Metadata", metadata_json(*description.metadata));
  }
  out.set("Architecture", name(description.header.arch));
  out.set("Kernel", description.kernel_sha256);
  out.set("Cmdline", description.cmdline);
  out.set("Contiguous", description.gap_bytes == 0);
  out.set("Sections", sections_json(description));
  out.set("RuntimeRelease", release_json(match));
  out.set("Notes", notes_json(description));
  return out;
}

}  // namespace cages::eif
