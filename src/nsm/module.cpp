// SPDX-License-Identifier: Apache-2.0
#include "nsm/module.h"

#include "base/limits.h"
#include "base/log.h"
#include "wire/attestation_document.h"
#include "wire/cose.h"

namespace cages::nsm {
namespace {

using wire::NsmRefusal;
using wire::NsmResponse;
using wire::NsmStatus;

template <class... F>
struct Overload : F... {
  using F::operator()...;
};

NsmResponse outcome(NsmStatus status, NsmResponse done) {
  if (status != NsmStatus::success) return NsmRefusal{status};
  return done;
}

// As real NSMs write them since 2025 (nitro.md §3.1).
Result<Bytes> sign_document(wire::DocumentClaims claims, const Signer& signer) {
  constexpr auto kAlgorithm = wire::CoseAlgorithm::es384;
  wire::UnverifiedDocument document;
  document.claims = std::move(claims);
  document.certificate = to_bytes(signer.certificate);
  for (const ByteView certificate : signer.cabundle) document.cabundle.push_back(to_bytes(certificate));
  const Bytes payload = wire::write_payload(document, wire::MapForm::indefinite);
  TRY_ASSIGN(const Bytes signature,
             signer.key.sign(wire::cose_to_be_signed(wire::cose_protected_header(kAlgorithm), payload)));
  return wire::write_cose_sign1(kAlgorithm, payload, signature);
}

bool too_large(const std::optional<Bytes>& value, std::size_t bytes_max) { return value && value->size() > bytes_max; }

}  // namespace

wire::NsmDescription Module::describe() const {
  return {.version_major = 1,
          .version_minor = 0,
          .version_patch = 0,
          .module_id = authority_.module().text(),
          .max_pcrs = limits::kNsmPcrs,
          .locked_pcrs = pcrs_.locked_indices(),
          .digest = "SHA384"};
}

NsmResponse Module::attest(const wire::NsmAttestationRequest& request) {
  if (too_large(request.user_data, limits::kUserDataBytesMax) || too_large(request.nonce, limits::kUserDataBytesMax) ||
      too_large(request.public_key, limits::kPublicKeyBytesMax)) {
    return NsmRefusal{NsmStatus::input_too_large};
  }
  // A document with an empty public_key is none that a verifier takes (nitro.md §3.1: 1..1024).
  if (request.public_key && request.public_key->empty()) return NsmRefusal{NsmStatus::invalid_argument};
  const auto signer = authority_.signer();
  if (!signer) {
    log::error("nsm.certificates", signer.error());
    return NsmRefusal{NsmStatus::internal_error};
  }
  auto document = sign_document({.module_id = authority_.module().text(),
                                 .timestamp_ms = static_cast<std::uint64_t>(clock_.wall().time_since_epoch().count()),
                                 .pcrs = pcrs_.locked_values(),
                                 .public_key = request.public_key,
                                 .user_data = request.user_data,
                                 .nonce = request.nonce},
                                *signer);
  if (!document) {
    log::error("nsm.sign", document.error());
    return NsmRefusal{NsmStatus::internal_error};
  }
  return wire::NsmDocument{std::move(*document)};
}

NsmResponse Module::carry_out(const wire::NsmRequest& request) {
  return std::visit(
      Overload{
          [&](const wire::NsmDescribeRequest&) -> NsmResponse { return describe(); },
          [&](const wire::NsmRandomRequest&) -> NsmResponse {
            wire::NsmRandom random{Secret(limits::kNsmRandomBytes)};
            random_.fill(random.random.reveal_mutable());
            return random;
          },
          [&](const wire::NsmDescribePcrRequest& r) -> NsmResponse {
            if (!PcrBank::valid(r.index)) return NsmRefusal{NsmStatus::invalid_index};
            return wire::NsmPcr{pcrs_.locked(r.index), to_bytes(pcrs_.value(r.index))};
          },
          [&](const wire::NsmExtendPcrRequest& r) -> NsmResponse {
            const NsmStatus status = pcrs_.extend(r.index, r.data);
            if (status != NsmStatus::success) return NsmRefusal{status};
            return wire::NsmExtendedPcr{to_bytes(pcrs_.value(r.index))};
          },
          [&](const wire::NsmLockPcrRequest& r) { return outcome(pcrs_.lock(r.index), wire::NsmLockedPcr{}); },
          [&](const wire::NsmLockPcrsRequest& r) { return outcome(pcrs_.lock_range(r.range), wire::NsmLockedPcrs{}); },
          [&](const wire::NsmAttestationRequest& r) { return attest(r); },
      },
      request);
}

Module::Answer Module::answer(ByteView bytes) {
  const auto request = wire::parse_nsm_request(bytes);
  if (!request) return {wire::write_nsm_response(NsmRefusal{wire::nsm_status_for(request.error())})};
  const NsmResponse response = carry_out(*request);
  Answer answer{wire::write_nsm_response(response), std::holds_alternative<wire::NsmDocument>(response)};
  // Cannot happen with the limits above; a longer answer would be cut on the way.
  if (answer.bytes.size() > limits::kNsmResponseBytesMax) {
    return {wire::write_nsm_response(NsmRefusal{NsmStatus::internal_error})};
  }
  return answer;
}

Result<void> Module::prepare() {
  TRY(authority_.signer());
  return {};
}

}  // namespace cages::nsm
