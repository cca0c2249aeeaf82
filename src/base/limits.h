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
inline constexpr std::size_t kNsmUserDataBytesMax = 512;  // what we ask an NSM to sign: AWS's own rule, though it signs more
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
inline constexpr std::chrono::seconds kTokenSkew = 5s;  // between two caged of one platform
// Control stream and life cycle (wire/control.h)
inline constexpr std::size_t kControlWordBytesMax = 64;
inline constexpr std::size_t kJournalDetailBytesMax = 512;
inline constexpr std::size_t kLogLineBytesMax = 4096;
inline constexpr std::size_t kMetricsPerSampleMax = 64;
// Certificates and requests, ours and a peer's (attestation documents have their own, tighter bound)
inline constexpr std::size_t kX509BytesMax = 32 * 1024;
inline constexpr std::size_t kCertificatesMax = 512;
inline constexpr std::size_t kCsrBytesMax = 2048;

// The measured manifest (wire/manifest.h)
inline constexpr std::size_t kManifestBytesMax = 1024 * 1024;
inline constexpr std::size_t kManifestItemsMax = 1024;  // of any one list
inline constexpr std::size_t kManifestTextBytesMax = 64 * 1024;
inline constexpr std::size_t kManifestGroupsMax = 64;
inline constexpr std::size_t kClientCasMax = 16;
inline constexpr std::size_t kEgressEntryBytesMax = 512;
inline constexpr std::size_t kPlatformRootsMax = 4;
inline constexpr std::uint32_t kHealthIntervalMsMin = 100;
inline constexpr std::uint32_t kHealthIntervalMsMax = 3'600'000;
// Configuration files
inline constexpr std::size_t kTomlBytesMax = 64 * 1024;
// Container images and the archives made from them (image/)
inline constexpr std::size_t kImageEntriesMax = 500'000;           // files, directories and links of one image
inline constexpr std::size_t kImagePathBytesMax = 4095;            // one path, and one symlink's target (PATH_MAX less NUL)
inline constexpr std::size_t kImageNameBytesMax = 255;             // one component of a path (NAME_MAX)
inline constexpr std::size_t kImagePathBytesTotalMax = 64 * 1024 * 1024;  // all paths and targets of one image
inline constexpr std::size_t kImageDepthMax = 256;                 // components of one path
inline constexpr std::uint64_t kImageFileBytesMax = 0xffff'ffff;   // one file: cpio's size field has 32 bits
inline constexpr std::uint64_t kImageContentBytesMax = 64ULL * 1024 * 1024 * 1024;  // all files of one image
inline constexpr std::uint64_t kImageLayersMax = 256;
inline constexpr std::uint64_t kImageCompressionRatioMax = 200;    // bytes that one byte of a layer may become
inline constexpr std::uint64_t kImageRatioFreeBytes = 16 * 1024 * 1024;  // output below which no ratio is looked at
inline constexpr std::size_t kImageJsonBytesMax = 4 * 1024 * 1024;       // index, manifest, configuration of an image
inline constexpr std::size_t kImageUserFileBytesMax = 4 * 1024 * 1024;   // its /etc/passwd, /etc/group
// NSM: what it holds, and how long an enclave waits for it (the kernel's driver waits for two minutes)
inline constexpr std::size_t kNsmPcrs = 32;
inline constexpr std::size_t kNsmRandomBytes = 256;
inline constexpr std::chrono::milliseconds kNsmAnswerTimeout = 10s;
// Egress
inline constexpr std::size_t kEgressEntriesMax = 1000;
inline constexpr std::size_t kEgressNamesMax = 4096;                 // live names of one cage, each with a loopback address
inline constexpr std::size_t kEgressStreamsMax = 1024;               // of one cage at a time, in the enclave and on the host
inline constexpr double kEgressDialsPerSecond = 500;                 // of one cage, on the host
inline constexpr double kEgressDialsBurst = 1000;
inline constexpr std::chrono::seconds kEgressDialTime = 10s;         // to resolve and to reach the destination
inline constexpr std::chrono::seconds kEgressIdleTime = 7200s;       // no byte either way, as TCP's own keep-alive
inline constexpr std::chrono::milliseconds kEgressAttemptDelay = 250ms;  // RFC 8305 §8: until the next address is tried
inline constexpr std::size_t kEgressAddressesMax = 16;               // of one name that are tried
inline constexpr std::size_t kEgressRangesMax = 256;                 // that a host's configuration may allow
// DNS (RFC 1035, RFC 6891)
inline constexpr std::size_t kDnsMessageBytesMax = 4096;
inline constexpr std::size_t kDnsUdpBytesMax = 1232;
inline constexpr std::size_t kDnsNameBytesMax = 255;
inline constexpr std::size_t kDnsRecordsMax = 128;
inline constexpr std::size_t kDnsQueriesMax = 256;                   // forwarded and not yet answered, of one cage
inline constexpr std::size_t kDnsCacheEntriesMax = 1024;
inline constexpr std::size_t kDnsTcpConnectionsMax = 64;
inline constexpr std::chrono::seconds kDnsAnswerTime = 5s;
inline constexpr std::chrono::seconds kDnsTcpIdleTime = 10s;
inline constexpr std::chrono::seconds kDnsLoopbackTtl = 5s;          // of the loopback address of a name
inline constexpr std::chrono::seconds kDnsTtlMax = 3600s;
// Encrypted values (wire/ev_string.h, wire/ev_file.h)
inline constexpr std::size_t kEvStringBytesMax = 1024 * 1024;
inline constexpr std::size_t kEvFileBytesMax = 32 * 1024 * 1024;  // clients seal at most 25 MB
// The engine (server/engine)
inline constexpr std::size_t kEngineItemsMax = 10'000;       // values of one request
inline constexpr std::size_t kEngineKeyVersionsMax = 64;     // of one app and curve
inline constexpr std::size_t kEngineContentKeysMax = 4096;   // kept, of ephemeral keys seen of late
inline constexpr std::size_t kEngineRolesMax = 256;          // of one app
inline constexpr std::size_t kDecryptRulesMax = 256;
inline constexpr std::size_t kDecryptPcrsMax = 256;          // of one rule
inline constexpr std::size_t kDecryptNameBytesMax = 80;
// Streams (net)
inline constexpr std::size_t kRelayBufferBytes = 32 * 1024;
inline constexpr std::size_t kRelayIdleBufferBytes = 1024;
inline constexpr std::size_t kMemoryStreamBytes = 64 * 1024;
inline constexpr int kListenBacklog = 1024;
inline constexpr std::size_t kHybridLineBytesMax = 32;
inline constexpr std::size_t kHybridPendingMax = 64;
inline constexpr std::chrono::seconds kHybridTime = 5s;
// The app inside a cage: what is held of it, and when it is started again (runtime/app/)
inline constexpr std::size_t kAppSpecBytesMax = 8 * 1024 * 1024;
inline constexpr std::size_t kListeningPortsMax = 64;
inline constexpr std::chrono::milliseconds kRestartDelayMin = 100ms;
inline constexpr std::chrono::milliseconds kRestartDelayMax = 30s;
inline constexpr std::chrono::milliseconds kRestartCalm = 60s;
// TLS
inline constexpr std::chrono::seconds kTlsHandshakeTime = 10s;
inline constexpr std::size_t kTlsCertificateListBytesMax = 64 * 1024;
inline constexpr int kTlsChainDepthMax = 4;
inline constexpr std::size_t kTlsRecordBytesMax = 16384;
inline constexpr unsigned kTlsPostHandshakeMessagesMax = 64;  // key updates and tickets, a connection
inline constexpr std::chrono::milliseconds kProbeTime = 2s;          // one question to the app
inline constexpr std::chrono::milliseconds kProbeFirst = 10ms;       // the first wait; doubles while the app starts
inline constexpr std::chrono::milliseconds kProbeStartMax = 500ms;
inline constexpr std::chrono::milliseconds kProbeInterval = 10s;     // where the manifest has no health check
inline constexpr unsigned kProbeFailures = 3;                        // in a row, until a healthy app is unhealthy
inline constexpr std::chrono::milliseconds kAppSilentTime = 5s;      // until it is said what the app listens on instead
inline constexpr std::chrono::milliseconds kAppOutputDrainTime = 1s; // for what an ended app left in its pipes
inline constexpr std::size_t kAppOutputBufferBytes = 16 * 1024;
inline constexpr std::uint16_t kLocalApiPort = 9999;
// Boot of a cage (runtime/boot/)
inline constexpr std::size_t kCmdlineBytesMax = 4096;
inline constexpr std::size_t kSeedBytesMin = 32;
inline constexpr std::size_t kJournalEntriesMax = 256;
inline constexpr std::chrono::milliseconds kHeartbeatTime = 10s;
inline constexpr std::chrono::milliseconds kControlRetryMin = 50ms;
inline constexpr std::chrono::milliseconds kControlRetryMax = 5s;
inline constexpr std::chrono::milliseconds kControlFlushTime = 2s;   // for the journal of a boot that failed
inline constexpr std::size_t kControlQueueBytesMax = 1024 * 1024;    // of log lines and metrics that the host has not read
inline constexpr std::chrono::milliseconds kTokenTime = 10s;         // one request to the host's broker
inline constexpr std::size_t kLifecycleConnectionsMax = 8;
inline constexpr std::chrono::milliseconds kLifecycleIdleTime = 60s;
inline constexpr std::chrono::milliseconds kDrainTimeMax = 300s;
inline constexpr std::chrono::milliseconds kProvisionTime = 120s;    // from the first token request to a grant, all tries
inline constexpr std::chrono::milliseconds kProvisionTryTime = 20s;  // one try
inline constexpr std::chrono::milliseconds kProvisionRetryMin = 200ms;
inline constexpr std::chrono::milliseconds kProvisionRetryMax = 5s;
inline constexpr std::size_t kLeafNamesMax = 64;
inline constexpr std::chrono::milliseconds kLeafRenewTime = 5min;    // a document a leaf, by the monotonic clock (design §5)
inline constexpr std::chrono::milliseconds kLeafRetryTime = 10s;     // where the NSM did not answer
inline constexpr std::chrono::milliseconds kLeafBackdate = 60s;      // for clients whose clocks are behind
inline constexpr double kFreshPerSecond = 20;                        // documents for single sessions; the NSM makes about 860
inline constexpr double kFreshBurst = 40;
inline constexpr std::chrono::milliseconds kMetricsInterval = 10s;
inline constexpr std::chrono::milliseconds kAppHealthyTime = 120s;   // from its start until the app must be healthy
inline constexpr std::chrono::milliseconds kAppStopTime = 10s;       // from its stop signal to its end
// Clients: the session's answer (a document at most), the whole of connecting, files that name a policy
inline constexpr std::size_t kSessionAnswerBytesMax = kDocumentBytesMax + 1024;
inline constexpr std::chrono::seconds kClientConnectTime = 30s;
inline constexpr std::size_t kPolicyFileBytesMax = 1024 * 1024;

// Enclave images (nitro.md §1)
inline constexpr std::size_t kEifSectionsMax = 32;
inline constexpr std::size_t kEifSignatureBytesMax = 32768;
inline constexpr std::size_t kEifCmdlineBytesMax = 4096;
inline constexpr std::size_t kEifMetadataBytesMax = 1024 * 1024;
inline constexpr std::size_t kEifCustomMetadataBytesMax = 4096;
inline constexpr std::size_t kEifChunkBytes = 256 * 1024;
// Release statements (design §5)
inline constexpr std::size_t kReleaseStatementBytesMax = 4096;
// Provisioning and leases (design §4)
inline constexpr std::size_t kGrantChainMax = 4;
inline constexpr std::size_t kGrantCertificateBytesMax = 4096;
inline constexpr std::size_t kSecretsMax = 256;
inline constexpr std::size_t kSecretBytesMax = 32 * 1024;
inline constexpr std::size_t kProvisionSecretsBytesMax = 40 * 1024;  // all of one cage: a grant is one frame
inline constexpr std::size_t kEngineTokenBytesMax = 480;
inline constexpr std::chrono::seconds kProvisionDocumentAgeMax = 60s;
inline constexpr std::chrono::seconds kIntermediateLifeMax = 24h;
inline constexpr std::chrono::seconds kEngineTokenLifeMax = 10min;
inline constexpr std::chrono::seconds kOnlineLifeMax = 90 * 24h;
inline constexpr std::chrono::seconds kLeaseRetryMin = 5s;
inline constexpr std::chrono::seconds kLeaseRetryMax = 60s;
inline constexpr std::chrono::seconds kLeaseDrain = 60s;  // before the end of a lease
// The host link
inline constexpr std::size_t kEnrolCodeBytesMax = 256;
inline constexpr std::chrono::seconds kEnrolCodeLife = 1h;
inline constexpr std::size_t kAssignmentsMax = 128;  // deployments of one host
inline constexpr std::size_t kCageNamesMax = 8;
inline constexpr std::size_t kHostNameBytesMax = 253;
inline constexpr std::size_t kEvidenceClassBytesMax = 96;

// Drivers
inline constexpr std::size_t kEnclavePortsMax = 32;           // the host listens on, for one enclave
inline constexpr std::size_t kEnclaveProcessesMax = 4096;     // processes and threads of one enclave
inline constexpr std::size_t kEnclaveMemoryMibMin = 16;
inline constexpr std::size_t kConsoleBytesKept = 64 * 1024;   // of what an enclave wrote, for who asks
inline constexpr std::size_t kConsoleLineBytesMax = 1024;
inline constexpr std::size_t kConsoleLinesPerSecond = 100;
inline constexpr std::chrono::seconds kEnclaveCheckTime = 120s;  // to read, measure and unpack an image
inline constexpr std::chrono::seconds kEnclaveStopTime = 10s;
// HTTP
inline constexpr std::size_t kHttpHeadBytesMax = 32 * 1024;
inline constexpr std::size_t kHttpHeadersMax = 100;
inline constexpr std::size_t kHttpTargetBytesMax = 8 * 1024;
inline constexpr std::size_t kHttpAuthorityBytesMax = 260;
inline constexpr std::size_t kHttpChunkLineBytesMax = 256;
inline constexpr std::size_t kHttpTrailerBytesMax = 8 * 1024;
inline constexpr std::size_t kHttpInformationalMax = 16;       // 1xx heads before an answer
inline constexpr std::size_t kHttpDiscardBytesMax = 64 * 1024;  // of a body that nobody wanted
inline constexpr std::size_t kHttpReadBytes = 16 * 1024;
inline constexpr std::chrono::seconds kHttpIdleTime = 60s;      // between requests
inline constexpr std::chrono::seconds kHttpHeadTime = 10s;      // a head's first byte to its last
inline constexpr std::chrono::seconds kHttpBodyIdleTime = 30s;  // between two bytes of a body
inline constexpr std::chrono::seconds kHttpAnswerTime = 120s;   // a request to its answer's head
inline constexpr std::chrono::seconds kHttpUpgradedIdleTime = 3600s;
inline constexpr std::chrono::seconds kHttpLingerTime = 2s;
// Ingress
inline constexpr std::size_t kProxyV2BytesMax = 536;
inline constexpr std::size_t kClientHelloBytesMax = 16 * 1024;
inline constexpr std::chrono::seconds kIngressHelloTime = 5s;     // the PROXY header and the ClientHello together
inline constexpr std::chrono::seconds kIngressDialTime = 5s;
inline constexpr std::chrono::seconds kIngressIdleTime = 3600s;
inline constexpr std::size_t kIngressConnectionsMax = 8192;
inline constexpr std::size_t kIngressConnectionsPerIpMax = 256;   // per IPv4 address, per IPv6 /64
inline constexpr std::size_t kIngressConnectionsPerCageMax = 4096;
inline constexpr std::size_t kDataPlaneConnectionsMax = 4096;
inline constexpr std::size_t kDataPlaneHandshakesMax = 128;       // at a time
inline constexpr std::size_t kSessionRequestBytesMax = 256;

// The host's link to caged
inline constexpr std::chrono::seconds kLinkAnswerTime = 20s;
inline constexpr std::chrono::milliseconds kLinkRetryTimeFirst = 250ms;
inline constexpr std::chrono::seconds kLinkRetryTimeMax = 15s;
inline constexpr std::size_t kLinkTokensPendingMax = 1024;
inline constexpr std::uint64_t kLinkImageBytesMax = std::uint64_t{64} << 30;
inline constexpr std::chrono::seconds kLinkAliveTime = 30s;           // a host says at least this often that it lives
inline constexpr std::chrono::seconds kLinkSessionIdleTime = 100s;    // until caged ends the session of a silent one
inline constexpr std::size_t kLinkPieceBytes = 256 * 1024;
// caged
inline constexpr std::chrono::seconds kProvisionExchangeTime = 15s;  // one hello and its answer
inline constexpr std::uint64_t kImageUploadBytesMax = 16ULL * 1024 * 1024 * 1024;
inline constexpr std::size_t kCagedConnectionsMax = 1024;  // of each port
inline constexpr std::size_t kCagedConfigBytesMax = 64 * 1024;

// What cage-host keeps and takes of one enclave (host/record.h, host/enclave_ports.h)
inline constexpr std::size_t kRecordJournalEntriesMax = 256;
inline constexpr std::size_t kRecordLogLinesMax = 1000;
inline constexpr std::size_t kRecordLogBytesMax = 1024 * 1024;
inline constexpr std::size_t kRecordMetricsMax = 256;
inline constexpr std::size_t kRecordLinesPerSecond = 200;
inline constexpr std::size_t kHostControlStreamsMax = 2;
inline constexpr std::size_t kHostProvisionerStreamsMax = 2;
inline constexpr std::size_t kHostHeartbeatStreamsMax = 4;
inline constexpr std::size_t kHostTokensPerMinute = 12;
inline constexpr std::chrono::seconds kHostHeartbeatTime = 5s;
inline constexpr std::chrono::seconds kHostWriteTime = 10s;             // for an enclave to take what it asked for
inline constexpr std::chrono::milliseconds kHostAcceptPause = 100ms;    // after each stream that an enclave opens
inline constexpr std::chrono::seconds kHostClockHintTime = 60s;
inline constexpr std::chrono::seconds kHostProvisionerIdleTime = 60s;
inline constexpr std::chrono::seconds kHostDrainTime = 30s;
inline constexpr std::chrono::seconds kHostRestartTimeFirst = 1s;
inline constexpr std::chrono::seconds kHostRestartTimeMax = 60s;
inline constexpr std::size_t kHostEnclavesMax = 256;
inline constexpr std::size_t kHostConfigBytesMax = 256 * 1024;
inline constexpr std::size_t kObserveConnectionsMax = 32;

}  // namespace cages::limits
