// SPDX-License-Identifier: Apache-2.0
// Every bound on what another side can make us hold or wait for, by name. Units are in the names. For every part.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace cages::limits {

using namespace std::chrono_literals;

// CBOR
inline constexpr std::size_t kCborDepthMax = 8;
// Attestation documents (nitro.md §3): what the NSM signs, and what a verifier reads.
inline constexpr std::size_t kDocumentBytesMax = 32 * 1024;
inline constexpr std::size_t kPayloadBytesMax = 16384;
inline constexpr std::size_t kCertificateBytesMax = 1024;
inline constexpr std::size_t kCabundleElementsMax = 8;
inline constexpr std::size_t kUserDataBytesMax = 1024;
inline constexpr std::size_t kPublicKeyBytesMax = 1024;
// NSM
inline constexpr std::size_t kNsmRequestBytesMax = 4096;
inline constexpr std::size_t kNsmResponseBytesMax = 12288;
// Frames (interfaces: FRAME)
inline constexpr std::size_t kFrameBytesMax = 65536;
// JSON texts
inline constexpr std::size_t kJsonBytesMax = 1024 * 1024;
inline constexpr std::size_t kJsonDepthMax = 32;
// Tokens (design §4.2)
inline constexpr std::size_t kTokenBytesMax = 480;
inline constexpr std::chrono::seconds kTokenLifeMax = 60s;
// Control stream and life cycle (wire/control.h)
inline constexpr std::size_t kControlWordBytesMax = 64;
inline constexpr std::size_t kJournalDetailBytesMax = 512;
inline constexpr std::size_t kLogLineBytesMax = 4096;
inline constexpr std::size_t kMetricsPerSampleMax = 64;

}  // namespace cages::limits
