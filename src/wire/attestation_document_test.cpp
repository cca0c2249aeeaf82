// SPDX-License-Identifier: Apache-2.0
#include "wire/attestation_document.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/limits.h"
#include "wire/cbor.h"

namespace cages::wire {
namespace {

UnverifiedDocument good_document() {
  UnverifiedDocument document;
  document.claims.module_id = "i-0123456789abcdef0-enc0123456789abcdef";
  document.claims.timestamp_ms = 1'767'225'660'007;
  document.claims.pcrs = {{0, Pcr{1}}, {1, Pcr{2}}, {31, Pcr{3}}};
  document.certificate = {0x30};
  document.cabundle = {{0x30}, {0x31}};
  document.claims.nonce = Bytes{1, 2};
  return document;
}

std::string class_of(ByteView payload) {
  const auto parsed = parse_payload(payload);
  return parsed ? "" : error_class(parsed.error());
}

std::string with(const std::function<void(UnverifiedDocument&)>& change) {
  UnverifiedDocument document = good_document();
  change(document);
  return class_of(write_payload(document));
}

// A payload of one more pair, or with one pair in place of its namesake.
Bytes with_pair(std::string_view key, ByteView value, bool replace = true) {
  const Bytes whole = write_payload(good_document(), MapForm::definite);
  CborReader reader(whole);
  (void)reader.read_map("payload");
  CborWriter writer;
  constexpr Byte kOpen = 0xbf;
  constexpr Byte kBreak = 0xff;
  writer.raw(ByteView(&kOpen, 1));
  while (!reader.at_end()) {
    const std::string_view name = reader.read_text("key").value();
    const std::size_t start = reader.position();
    (void)reader.skip();
    if (!replace || name != key) writer.text(name).raw(ByteView(whole).subspan(start, reader.position() - start));
  }
  if (!value.empty()) writer.text(key).raw(value);
  writer.raw(ByteView(&kBreak, 1));
  return writer.take();
}

std::string pair(std::string_view key, std::string_view value_hex, bool replace = true) {
  return class_of(with_pair(key, parse_hex(value_hex).value(), replace));
}

TEST(Payload, ReadsWhatItWritesInBothForms) {
  for (const MapForm form : {MapForm::definite, MapForm::indefinite}) {
    const Bytes written = write_payload(good_document(), form);
    EXPECT_EQ(written.front(), form == MapForm::definite ? 0xa9 : 0xbf);
    const UnverifiedDocument read = parse_payload(written).value();
    EXPECT_EQ(read.claims.module_id, good_document().claims.module_id);
    EXPECT_EQ(read.claims.timestamp_ms, good_document().claims.timestamp_ms);
    EXPECT_EQ(read.claims.pcrs, good_document().claims.pcrs);
    EXPECT_EQ(read.claims.nonce, good_document().claims.nonce);
    EXPECT_FALSE(read.claims.user_data);
    EXPECT_EQ(read.cabundle, good_document().cabundle);
    EXPECT_EQ(write_payload(read, form), written);
  }
}

TEST(Payload, ReportsKeysThatItDoesNotKnow) {
  const auto read = parse_payload(with_pair("future", parse_hex("8101").value())).value();
  EXPECT_EQ(read.unknown_keys, std::vector<std::string>{"future"});
}

TEST(Payload, EachFieldHasItsRule) {
  EXPECT_EQ(with([](auto&) {}), "");
  for (const char* id : {"", "i-1", "i-1-enc", "i--enc1", "i-1-tpm1", "i-1-encg", "i-1-ENC1", "xi-1-enc1", "i-1-enc1 ",
                         "i-1-enc1-enc1"}) {
    EXPECT_EQ(with([&](auto& d) { d.claims.module_id = id; }), "MODULE_ID") << id;
  }
  for (const std::uint64_t time : {0UL, 1'767'225'660UL, 253'402'300'800'000UL, UINT64_MAX}) {
    EXPECT_EQ(with([&](auto& d) { d.claims.timestamp_ms = time; }), "TIMESTAMP") << time;
  }
  EXPECT_EQ(with([](auto& d) { d.claims.pcrs.clear(); }), "PCRS");
  EXPECT_EQ(with([](auto& d) { d.claims.pcrs[32] = Pcr{}; }), "PCR_INDEX");
  EXPECT_EQ(with([](auto& d) { d.certificate.clear(); }), "CERTIFICATE_LENGTH");
  EXPECT_EQ(with([](auto& d) { d.certificate.resize(1025); }), "CERTIFICATE_LENGTH");
  EXPECT_EQ(with([](auto& d) { d.cabundle.clear(); }), "CABUNDLE");
  EXPECT_EQ(with([](auto& d) { d.cabundle.assign(8, Bytes{1}); }), "");
  EXPECT_EQ(with([](auto& d) { d.cabundle.assign(9, Bytes{1}); }), "CABUNDLE");
  EXPECT_EQ(with([](auto& d) { d.cabundle[1].clear(); }), "CABUNDLE_ELEMENT_LENGTH");
  EXPECT_EQ(with([](auto& d) { d.cabundle[1].resize(1025); }), "CABUNDLE_ELEMENT_LENGTH");
  EXPECT_EQ(with([](auto& d) { d.claims.public_key = Bytes(1024); }), "");
  EXPECT_EQ(with([](auto& d) { d.claims.public_key = Bytes(1025); }), "PUBLIC_KEY_LENGTH");
  EXPECT_EQ(with([](auto& d) { d.claims.public_key = Bytes(); }), "PUBLIC_KEY_LENGTH");
  EXPECT_EQ(with([](auto& d) { d.claims.user_data = Bytes(); }), "");
  EXPECT_EQ(with([](auto& d) { d.claims.user_data = Bytes(1024); }), "");
  EXPECT_EQ(with([](auto& d) { d.claims.user_data = Bytes(1025); }), "USER_DATA_LENGTH");
  EXPECT_EQ(with([](auto& d) { d.claims.nonce = Bytes(1024); }), "");
  EXPECT_EQ(with([](auto& d) { d.claims.nonce = Bytes(1025); }), "NONCE_LENGTH");
  EXPECT_EQ(class_of({}), "PAYLOAD_LENGTH");
  EXPECT_EQ(class_of(Bytes(limits::kPayloadBytesMax + 1)), "PAYLOAD_LENGTH");
}

TEST(Payload, EachKeyHasItsType) {
  EXPECT_EQ(pair("digest", "66534841333834"), "");
  EXPECT_EQ(pair("digest", "66534841323536"), "DIGEST");
  EXPECT_EQ(pair("digest", "46534841333834"), "TYPE digest");
  EXPECT_EQ(pair("module_id", "4100"), "TYPE module_id");
  EXPECT_EQ(pair("timestamp", "20"), "TYPE timestamp");
  EXPECT_EQ(pair("timestamp", "f6"), "TYPE timestamp");
  EXPECT_EQ(pair("pcrs", "80"), "TYPE pcrs");
  EXPECT_EQ(pair("pcrs", "a1004100"), "PCR_LENGTH");
  EXPECT_EQ(pair("pcrs", "a161304100"), "TYPE pcrs");
  EXPECT_EQ(pair("certificate", "f6"), "TYPE certificate");
  EXPECT_EQ(pair("cabundle", "f6"), "CABUNDLE");
  EXPECT_EQ(pair("cabundle", "816130"), "TYPE cabundle");
  for (const char* name : {"public_key", "user_data", "nonce"}) {
    EXPECT_EQ(pair(name, "f6"), "");
    EXPECT_EQ(pair(name, ""), "");
    for (const char* other : {"00", "6130", "80", "a0", "f4"}) {
      EXPECT_EQ(pair(name, other), "TYPE " + std::string(name)) << other;
    }
  }
}

TEST(Payload, EveryKeyIsThereAndThereOnce) {
  for (const char* name : {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"}) {
    EXPECT_EQ(pair(name, ""), "MISSING " + std::string(name));
  }
  EXPECT_EQ(pair("nonce", "4100", false), "DUPLICATE_KEY");
  EXPECT_EQ(pair("nitrotpm_pcrs", "a0"), "NOT_AN_ENCLAVE_DOCUMENT");
  const std::string pcr = "5830" + std::string(96, '1');
  EXPECT_EQ(pair("pcrs", "a200" + pcr + "00" + pcr), "DUPLICATE_KEY");
  EXPECT_EQ(pair("x", "a2616101616102"), "DUPLICATE_KEY");
  EXPECT_EQ(pair("x", "a201000100"), "DUPLICATE_KEY");
  EXPECT_EQ(pair("x", "a220002000"), "DUPLICATE_KEY");
  EXPECT_EQ(pair("x", "a28000"), "CBOR");
}

TEST(Payload, IsOneMapAndNothingElse) {
  EXPECT_EQ(class_of(Bytes{0x80}), "PAYLOAD_TYPE");
  Bytes payload = write_payload(good_document());
  payload.push_back(0);
  EXPECT_EQ(class_of(payload), "PAYLOAD_TRAILING");
  payload.resize(payload.size() - 2);
  EXPECT_EQ(class_of(payload), "CBOR");
  // Many keys cost no more than their bytes.
  CborWriter many;
  many.map(4000);
  for (std::uint64_t i = 0; i < 4000; ++i) many.uint(i).uint(0);
  EXPECT_EQ(class_of(many.view()), "MISSING module_id");
}

}  // namespace
}  // namespace cages::wire
