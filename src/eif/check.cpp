// SPDX-License-Identifier: Apache-2.0
#include "eif/check.h"

#include <cstdio>

#include "base/check.h"
#include "eif/measure.h"
#include "eif/signature.h"

namespace cages::eif {
namespace {

std::string hex32(std::uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

}  // namespace

Result<Checked> check(const EifFile& file) {
  TRY_ASSIGN(const Measured measured, measure(file));
  if (!CAGES_CHECK("EIF_CRC", measured.crc == file.header().crc)) {
    return fail(Code::EIF_CRC, "", hex32(measured.crc), hex32(file.header().crc));
  }
  Checked out{measured.pcrs, std::nullopt};
  if (file.find(SectionType::signature) == nullptr) return out;
  TRY_ASSIGN(const Signature signature, read_signature(file));
  TRY_ASSIGN(crypto::Certificate certificate, signing_certificate(signature));
  TRY(verify_signature(signature, certificate, measured.pcrs.pcr0));
  out.measurements.pcr8 = measure_certificate(certificate);
  out.signer = std::move(certificate);
  return out;
}

}  // namespace cages::eif
