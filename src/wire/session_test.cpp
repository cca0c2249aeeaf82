// SPDX-License-Identifier: Apache-2.0
#include "wire/session.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "wire/cbor.h"
#include "wire/runtime_key_set.h"

namespace cages::wire {
namespace {

SessionAnswer answer(bool fresh) {
  SessionAnswer result;
  result.signature.fill(1);
  result.document_digest.fill(2);
  if (fresh) result.document = Bytes{3, 4};
  return result;
}

TEST(SessionMessages, SurviveBeingWrittenAndRead) {
  SessionRequest request;
  request.nonce.fill(9);
  request.fresh = true;
  const Bytes written = write_session_request(request);
  EXPECT_EQ(hex(written).substr(0, 8), "a2015820");
  const SessionRequest read = parse_session_request(written).value();
  EXPECT_EQ(read.nonce, request.nonce);
  EXPECT_TRUE(read.fresh);
  for (const bool fresh : {false, true}) {
    const SessionAnswer again = parse_session_answer(write_session_answer(answer(fresh))).value();
    EXPECT_EQ(again.signature, answer(fresh).signature);
    EXPECT_EQ(again.document_digest, answer(fresh).document_digest);
    EXPECT_EQ(again.document, answer(fresh).document);
  }
}

TEST(SessionMessages, AreRefusedInAnyOtherForm) {
  const Bytes request = write_session_request({});
  const Bytes whole = write_session_answer(answer(true));
  for (std::size_t length = 0; length < request.size(); ++length) {
    EXPECT_FALSE(parse_session_request(ByteView(request).first(length))) << length;
  }
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(parse_session_answer(ByteView(whole).first(length))) << length;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_EQ(parse_session_answer(longer).error().code, Code::TRAILING_BYTES);
  const Bytes short_nonce = CborWriter().map(2).uint(1).bytes(Bytes(31)).uint(2).boolean(true).take();
  EXPECT_EQ(error_class(parse_session_request(short_nonce).error()), "TYPE nonce");
  const Bytes swapped = CborWriter().map(2).uint(2).boolean(true).uint(1).bytes(Bytes(32)).take();
  EXPECT_EQ(parse_session_request(swapped).error().code, Code::UNKNOWN_KEY);
  const Bytes without = CborWriter().map(1).uint(1).bytes(Bytes(32)).take();
  EXPECT_EQ(parse_session_request(without).error().code, Code::MISSING);
}

TEST(SessionTranscript, IsEveryPartWithItsLength) {
  SessionFacts facts;
  facts.host_name = "a.example";
  facts.cage_id = "i-1-enc2";
  facts.exporter = Bytes(2, 0xee);
  const std::string text = hex(session_transcript(facts).value());
  EXPECT_EQ(text, "000e" + hex(as_bytes("cage-session/1")) + "0006" + hex(as_bytes("server")) + "0009" + hex(as_bytes("a.example")) +
                      "0008" + hex(as_bytes("i-1-enc2")) + "0020" + std::string(64, '0') + "0002eeee" + "0030" +
                      std::string(96, '0'));
  // No two different facts have one transcript: moving a byte across a boundary shows.
  SessionFacts moved = facts;
  moved.host_name = "a.examplei";
  moved.cage_id = "-1-enc2";
  EXPECT_NE(session_transcript(moved).value(), session_transcript(facts).value());
  facts.host_name.assign(65536, 'a');
  EXPECT_EQ(session_transcript(facts).error().code, Code::LIMIT);
}

TEST(RuntimeKeySet, IsExactlyWhatIsWritten) {
  RuntimeKeySet keys;
  keys.session_spki = Bytes(91, 1);
  keys.sealing_key.fill(2);
  keys.ca_digest.fill(3);
  const Bytes written = write_key_set(keys).value();
  EXPECT_EQ(parse_key_set(written).value(), keys);
  for (std::size_t length = 0; length < written.size(); ++length) {
    EXPECT_EQ(parse_key_set(ByteView(written).first(length)).error().code, Code::KEY_SET);
  }
  Bytes longer = written;
  longer.push_back(0);
  EXPECT_EQ(parse_key_set(longer).error().code, Code::KEY_SET);
  EXPECT_EQ(parse_key_set(Bytes(1025)).error().code, Code::KEY_SET);
  for (const Bytes& other : {CborWriter().map(3).uint(1).bytes(Bytes()).uint(2).bytes(Bytes(32)).uint(3).bytes(Bytes(48)).take(),
                             CborWriter().map(3).uint(1).bytes(Bytes(9)).uint(2).bytes(Bytes(31)).uint(3).bytes(Bytes(48)).take(),
                             CborWriter().map(3).uint(2).bytes(Bytes(9)).uint(1).bytes(Bytes(32)).uint(3).bytes(Bytes(48)).take(),
                             CborWriter().map(2).uint(1).bytes(Bytes(9)).uint(2).bytes(Bytes(32)).take()}) {
    EXPECT_EQ(parse_key_set(other).error().code, Code::KEY_SET);
  }
  keys.session_spki.resize(1000);
  EXPECT_EQ(write_key_set(keys).error().code, Code::LIMIT);
}

}  // namespace
}  // namespace cages::wire
