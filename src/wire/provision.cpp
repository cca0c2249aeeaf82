// SPDX-License-Identifier: Apache-2.0
#include "wire/provision.h"

#include "base/limits.h"
#include "wire/frame.h"
#include "wire/transcript.h"

namespace cages::wire {
namespace {

enum Type : std::uint64_t { kHello = 48, kGrant = 49, kRefused = 50 };

Result<std::vector<Bytes>> read_chain(FieldReader& fields) {
  TRY_ASSIGN(CborReader * reader, fields.item(1, "chain"));
  TRY_ASSIGN(const std::uint64_t count, reader->read_array("chain"));
  if (count == 0 || count > limits::kGrantChainMax) {
    return fail(Code::LIMIT, "chain", "1 to " + std::to_string(limits::kGrantChainMax), std::to_string(count));
  }
  std::vector<Bytes> chain;
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const ByteView certificate, reader->read_bytes("chain"));
    if (certificate.size() > limits::kGrantCertificateBytesMax) return fail(Code::LIMIT, "chain");
    chain.push_back(to_bytes(certificate));
  }
  TRY(fields.advance());
  return chain;
}

Result<ProvisionGrant> read_grant(const Frame& frame) {
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  ProvisionGrant grant;
  TRY_ASSIGN(grant.chain, read_chain(fields));
  TRY_ASSIGN(const ByteView enc, fields.bytes(2, "enc", 64));
  TRY_ASSIGN(const ByteView ct, fields.bytes(3, "ct", limits::kProvisionSecretsBytesMax + 16));
  TRY(fields.finish());
  grant.enc = to_bytes(enc);
  grant.ct = to_bytes(ct);
  return grant;
}

Result<std::vector<NamedSecret>> read_secrets(FieldReader& fields) {
  TRY_ASSIGN(CborReader * reader, fields.item(1, "secrets"));
  TRY_ASSIGN(const std::uint64_t count, reader->read_array("secrets"));
  if (count > limits::kSecretsMax) return fail(Code::LIMIT, "secrets");
  std::vector<NamedSecret> secrets;
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const std::uint64_t pair, reader->read_array("secret"));
    if (pair != 2) return fail(Code::TYPE, "secret", "[name, value]", std::to_string(pair) + " items");
    TRY_ASSIGN(const std::string_view name, reader->read_text("secret name"));
    TRY_ASSIGN(const ByteView value, reader->read_bytes("secret value"));
    if (!secrets.empty() && name <= secrets.back().name) return fail(Code::DUPLICATE_KEY, "secret");
    secrets.push_back({std::string(name), Secret::copy_of(value)});
  }
  TRY(fields.advance());
  return secrets;
}

}  // namespace

Bytes write_provision(const ProvisionHello& hello) {
  return FrameWriter(kHello, kProvisionVersion, 2).bytes(1, hello.document).bytes(2, hello.csr).take();
}

Bytes write_provision(const ProvisionAnswer& answer) {
  if (const auto* refused = std::get_if<ProvisionRefused>(&answer)) {
    const auto code = std::string_view(refused->code).substr(0, limits::kControlWordBytesMax);
    return FrameWriter(kRefused, kProvisionVersion, 1).text(1, code).take();
  }
  const auto& grant = std::get<ProvisionGrant>(answer);
  CborWriter chain;
  chain.array(grant.chain.size());
  for (const Bytes& certificate : grant.chain) chain.bytes(certificate);
  return FrameWriter(kGrant, kProvisionVersion, 3).raw(1, chain.view()).bytes(2, grant.enc).bytes(3, grant.ct).take();
}

Result<ProvisionHello> parse_provision_hello(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_type(frame, kHello, kProvisionVersion, "provision hello"));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  TRY_ASSIGN(const ByteView document, fields.bytes(1, "document", limits::kDocumentBytesMax));
  TRY_ASSIGN(const ByteView csr, fields.bytes(2, "csr", limits::kCsrBytesMax));
  TRY(fields.finish());
  return ProvisionHello{to_bytes(document), to_bytes(csr)};
}

Result<ProvisionAnswer> parse_provision_answer(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_version(frame, kProvisionVersion));
  if (frame.type == kGrant) {
    TRY_ASSIGN(ProvisionGrant grant, read_grant(frame));
    return ProvisionAnswer(std::move(grant));
  }
  TRY(expect_type(frame, kRefused, kProvisionVersion, "provision grant or refusal"));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  TRY_ASSIGN(const std::string_view code, fields.text(1, "code", limits::kControlWordBytesMax));
  TRY(fields.finish());
  return ProvisionAnswer(ProvisionRefused{std::string(code)});
}

Result<Secret> write_provision_secrets(const ProvisionSecrets& secrets) {
  CborWriter list;
  list.array(secrets.secrets.size());
  for (const NamedSecret& secret : secrets.secrets) list.array(2).text(secret.name).bytes(secret.value.reveal());
  const Secret encoded(list.take());
  CborWriter writer;
  writer.map(3).uint(1).raw(encoded.reveal()).uint(2).text(secrets.engine_token);
  writer.uint(3).integer(secrets.engine_token_expires_at);
  Secret plaintext(writer.take());
  if (secrets.secrets.size() > limits::kSecretsMax || plaintext.size() > limits::kProvisionSecretsBytesMax) {
    return fail(Code::LIMIT, "secrets", std::to_string(limits::kProvisionSecretsBytesMax) + " bytes in all",
                std::to_string(plaintext.size()));
  }
  return plaintext;
}

Result<ProvisionSecrets> parse_provision_secrets(const Secret& plaintext) {
  if (plaintext.size() > limits::kProvisionSecretsBytesMax) return fail(Code::LIMIT, "secrets");
  TRY_ASSIGN(FieldReader fields, FieldReader::open(plaintext.reveal()));
  ProvisionSecrets out;
  TRY_ASSIGN(out.secrets, read_secrets(fields));
  TRY_ASSIGN(const std::string_view token, fields.text(2, "engine_token", limits::kEngineTokenBytesMax));
  out.engine_token = token;
  TRY_ASSIGN(out.engine_token_expires_at, fields.integer(3, "engine_token_expires_at"));
  TRY(fields.finish());
  return out;
}

Bytes provision_nonce_input(ByteView csr, ByteView exporter) { return transcript({as_bytes("cage-prov/1"), csr, exporter}); }

Bytes provision_info(const Id& deployment, const Id& token, ByteView document_hash) {
  return transcript({as_bytes("cage-provision/1"), deployment, token, document_hash});
}

}  // namespace cages::wire
