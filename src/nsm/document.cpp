// SPDX-License-Identifier: Apache-2.0
#include "nsm/document.h"

#include <array>

#include "wire/cbor.h"

namespace cages::nsm {
namespace {

using wire::CborWriter;

constexpr std::array<Byte, 4> kProtected{0xa1, 0x01, 0x38, 0x22};  // {1: -35}, ES384
constexpr std::array<Byte, 1> kOpenMap{0xbf};
constexpr std::array<Byte, 1> kBreak{0xff};

void write_optional(CborWriter& writer, std::string_view name, const std::optional<Bytes>& value) {
  writer.text(name);
  if (value) {
    writer.bytes(*value);
  } else {
    writer.null();
  }
}

Bytes write_payload(const ModuleId& module, WallTime time, const PcrBank& pcrs, const Signer& signer,
                    const wire::NsmAttestationRequest& request) {
  CborWriter writer;
  writer.raw(kOpenMap);
  writer.text("module_id").text(module.text());
  writer.text("digest").text("SHA384");
  writer.text("timestamp").uint(static_cast<std::uint64_t>(time.time_since_epoch().count()));
  const std::vector<std::uint16_t> locked = pcrs.locked_indices();
  writer.text("pcrs").map(locked.size());
  for (const std::uint16_t index : locked) writer.uint(index).bytes(pcrs.value(index));
  writer.text("certificate").bytes(signer.certificate);
  writer.text("cabundle").array(signer.cabundle.size());
  for (const ByteView certificate : signer.cabundle) writer.bytes(certificate);
  write_optional(writer, "public_key", request.public_key);
  write_optional(writer, "user_data", request.user_data);
  write_optional(writer, "nonce", request.nonce);
  writer.raw(kBreak);
  return writer.take();
}

}  // namespace

Result<Bytes> sign_document(const ModuleId& module, WallTime time, const PcrBank& pcrs, const Signer& signer,
                            const wire::NsmAttestationRequest& request) {
  const Bytes payload = write_payload(module, time, pcrs, signer, request);
  // RFC 9052 §4.4: Sig_structure.
  const Bytes signed_bytes = CborWriter().array(4).text("Signature1").bytes(kProtected).bytes({}).bytes(payload).take();
  TRY_ASSIGN(const Bytes signature, signer.key.sign(signed_bytes));
  return CborWriter().array(4).bytes(kProtected).map(0).bytes(payload).bytes(signature).take();
}

}  // namespace cages::nsm
