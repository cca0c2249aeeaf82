// SPDX-License-Identifier: Apache-2.0
// The vsock ports between an enclave and its host (docs/protocol.md, VSOCK). For both sides.
#pragma once

#include <cstdint>

namespace cages::wire::port {

// enclave -> host
inline constexpr std::uint32_t kHeartbeat = 9000;
inline constexpr std::uint32_t kControl = 7001;
inline constexpr std::uint32_t kProvisioner = 7002;
inline constexpr std::uint32_t kEngine = 7003;
inline constexpr std::uint32_t kEgress = 7004;
inline constexpr std::uint32_t kDns = 7005;
// host -> enclave
inline constexpr std::uint32_t kIngress = 7010;
inline constexpr std::uint32_t kLifecycle = 7011;

// Inside the enclave, TCP on loopback: where the app's connections to the outside are caught. Above the kernel's own range
// for outgoing connections, so that only an app that asks for it by number misses it.
inline constexpr std::uint16_t kCaught = 61004;
inline constexpr std::uint16_t kAppDns = 53;

}  // namespace cages::wire::port
