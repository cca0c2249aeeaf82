// SPDX-License-Identifier: Apache-2.0
#include "host/broker/link.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/list_digest.h"
#include "net/deadline.h"
#include "net/frame.h"
#include "net/resolve.h"
#include "net/tcp.h"

namespace cages::host {
namespace {

// An entry in canonical form is little longer than as it was written: its port may be added.
constexpr std::size_t kEgressListBytesMax = limits::kEgressEntriesMax * (limits::kEgressEntryBytesMax + 8);

std::unexpected<Error> refused(const std::string& code) { return fail(Code::LINK_REFUSED, printable(code)); }

// expect takes the one kind of answer that may come next, or the refusal.
template <class T>
Result<T> expect(wire::HostLinkDown answer, std::string_view what) {
  if (T* wanted = std::get_if<T>(&answer)) return std::move(*wanted);
  if (const auto* refusal = std::get_if<wire::LinkRefused>(&answer)) return refused(refusal->code);
  return fail(Code::MESSAGE_TYPE, std::string(what), "its answer", "another message");
}

Result<void> write_piece(int fd, ByteView piece, const std::string& path) {
  while (!piece.empty()) {
    const ssize_t n = ::write(fd, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error(path, errno));
    piece = piece.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Link>> Link::make(net::EventLoop& loop, LinkSettings settings) {
  tls::ClientSettings tls_settings;
  tls_settings.identity = settings.identity;
  // caged shows [server, root]; the host knows the root by its hash alone, from its enrolment code.
  tls_settings.server_identity = tls::ServerIdentity::any_because_server_check_decides;
  tls_settings.server_check = [roots = settings.roots, &loop](const std::vector<Bytes>& chain) -> Result<void> {
    TRY(crypto::verify_server_chain(chain, roots, wire::kHostLinkName, loop.clock().wall()));
    return {};
  };
  TRY_ASSIGN(auto client, tls::Client::make(std::move(tls_settings), loop.clock()));
  return std::make_unique<Link>(loop, std::move(settings), std::move(client));
}

Link::Link(net::EventLoop& loop, LinkSettings settings, std::unique_ptr<tls::Client> client)
    : loop_(loop), settings_(std::move(settings)), client_(std::move(client)) {}

Task<Result<net::StreamPtr>> Link::connect() {
  CO_TRY_ASSIGN(net::StreamPtr tcp, co_await net::dial_host(loop_, settings_.address, settings_.port, limits::kLinkAnswerTime));
  CO_TRY_ASSIGN(tls::TlsStreamPtr stream,
                co_await client_->connect(loop_.timers(), std::move(tcp), std::string(wire::kHostLinkName)));
  co_return net::StreamPtr(std::move(stream));
}

// Sends the frame that says which kind of connection this is, and reads the first answer.
Task<Result<wire::HostLinkDown>> Link::open(net::Stream& stream, const wire::HostOpening& opening) {
  net::Deadline deadline(loop_.timers(), stream, limits::kLinkAnswerTime);
  CO_TRY(co_await stream.write_all(wire::write_host_link(opening)));
  CO_TRY_ASSIGN(const Bytes payload, co_await net::read_frame(stream));
  co_return wire::parse_host_link_down(payload);
}

Task<Result<wire::Enrolled>> Link::enrol(std::string code, Bytes csr) {
  CO_TRY_ASSIGN(const net::StreamPtr stream, co_await connect());
  CO_TRY_ASSIGN(wire::HostLinkDown answer, co_await open(*stream, wire::EnrolRequest{std::move(code), std::move(csr)}));
  co_return expect<wire::Enrolled>(std::move(answer), "enrol");
}

Task<Result<net::StreamPtr>> Link::open_provisioner(wire::Id deployment) {
  CO_TRY_ASSIGN(net::StreamPtr stream, co_await connect());
  CO_TRY_ASSIGN(wire::HostLinkDown answer, co_await open(*stream, wire::OpenProvisioner{deployment}));
  CO_TRY(expect<wire::Accepted>(std::move(answer), "provisioner"));
  co_return std::move(stream);
}

Task<Result<void>> Link::fetch_image(wire::Id deployment, std::filesystem::path path) {
  CO_TRY_ASSIGN(const net::StreamPtr stream, co_await connect());
  CO_TRY_ASSIGN(wire::HostLinkDown answer, co_await open(*stream, wire::OpenImage{deployment}));
  CO_TRY_ASSIGN(const wire::ImageHead head, expect<wire::ImageHead>(std::move(answer), "image"));
  if (head.bytes > limits::kLinkImageBytesMax) {
    co_return fail(Code::LIMIT, "image", std::to_string(limits::kLinkImageBytesMax), std::to_string(head.bytes));
  }
  co_return co_await receive_image(*stream, head, path);
}

Task<Result<policy::AllowList>> Link::fetch_egress_list(wire::Id deployment, wire::ListDigest digest) {
  CO_TRY_ASSIGN(const net::StreamPtr stream, co_await connect());
  CO_TRY_ASSIGN(wire::HostLinkDown answer, co_await open(*stream, wire::OpenEgressList{deployment}));
  CO_TRY_ASSIGN(const wire::ImageHead head, expect<wire::ImageHead>(std::move(answer), "egress list"));
  if (head.bytes > kEgressListBytesMax) {
    co_return fail(Code::LIMIT, "egress list", std::to_string(kEgressListBytesMax), std::to_string(head.bytes));
  }
  Bytes text(static_cast<std::size_t>(head.bytes));
  const net::Deadline deadline(loop_.timers(), *stream, limits::kLinkAnswerTime);
  CO_TRY(co_await net::read_exact(*stream, text));
  std::vector<std::string> entries;
  for (const std::string_view line : split(as_text(text), '\n')) {
    if (!line.empty()) entries.emplace_back(line);
  }
  CO_TRY_ASSIGN(policy::AllowList list, policy::AllowList::parse(entries));
  const wire::ListDigest got = crypto::list_digest(list.canonical());
  if (got != digest) co_return fail(Code::EGRESS_LIST, "assignment", hex(digest), hex(got));
  co_return list;
}

Task<Result<void>> Link::receive_image(net::Stream& stream, const wire::ImageHead& head,
                                       const std::filesystem::path& path) {
  std::string temporary = path.string() + ".XXXXXX";
  const Fd file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) co_return fail(errno_error(temporary, errno));
  Result<void> outcome;
  crypto::Hasher hasher(crypto::Hasher::Algorithm::sha256);
  Bytes buffer(limits::kLinkPieceBytes);
  for (std::uint64_t left = head.bytes; left > 0 && outcome;) {
    net::Deadline deadline(loop_.timers(), stream, limits::kLinkAnswerTime);
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
    const auto got = co_await stream.read_some(std::span(buffer).first(want));
    if (!got || *got == 0) {
      outcome = got ? fail(Code::CLOSED, "image", std::to_string(head.bytes) + " bytes", "fewer") : fail(got.error());
      break;
    }
    const ByteView piece = ByteView(buffer).first(*got);
    hasher.update(piece);
    outcome = write_piece(file.get(), piece, temporary);
    left -= *got;
  }
  if (outcome && !equal(hasher.finish(), head.sha256)) {
    outcome = fail(Code::IMAGE_HASH, path.filename().string(), hex(head.sha256), "another");
  }
  if (outcome && (::fchmod(file.get(), 0600) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0)) {
    outcome = fail(errno_error(path.string(), errno));
  }
  if (!outcome) ::unlink(temporary.c_str());
  co_return outcome;
}

Task<void> Link::run_session(std::function<void(const wire::Assignments&)> on_assignments) {
  Nanoseconds pause = limits::kLinkRetryTimeFirst;
  for (;;) {
    const Nanoseconds began = loop_.timers().now();
    const Result<void> ended = co_await serve_session(on_assignments);
    session_.reset();
    while (!pending_.empty()) settle(pending_.begin()->first, fail(Code::UNREACHABLE, "caged", "a session", "it ended"));
    if (!ended) log::error("link.lost", ended.error(), {{"caged", settings_.address}});
    // A session that lived is a good sign; one that is refused at once is tried ever more rarely.
    const bool lived = loop_.timers().now() - began > limits::kLinkRetryTimeMax;
    pause = lived ? limits::kLinkRetryTimeFirst : std::min<Nanoseconds>(2 * pause, limits::kLinkRetryTimeMax);
    co_await loop_.timers().sleep(pause);
  }
}

Task<Result<void>> Link::serve_session(const std::function<void(const wire::Assignments&)>& on_assignments) {
  CO_TRY_ASSIGN(net::StreamPtr stream, co_await connect());
  CO_TRY_ASSIGN(wire::HostLinkDown first,
                co_await open(*stream, wire::OpenSession{settings_.program, settings_.drivers}));
  CO_TRY_ASSIGN(const wire::Assignments assignments, expect<wire::Assignments>(std::move(first), "session"));
  session_ = std::move(stream);
  log::info("link.session", {{"caged", settings_.address}, {"assignments", std::to_string(assignments.all.size())}});
  on_assignments(assignments);
  Result<void> ended;
  const auto receive = [&]() -> Task<void> { ended = co_await follow(on_assignments); };
  co_await net::either(receive(), say_alive());
  co_return ended;
}

Task<void> Link::say_alive() {
  for (;;) {
    co_await loop_.timers().sleep(settings_.alive_time);
    if (!co_await send(wire::HostAlive{})) co_return;  // follow() hears of it as well
  }
}

Task<Result<void>> Link::follow(const std::function<void(const wire::Assignments&)>& on_assignments) {
  for (;;) {
    net::Deadline deadline(loop_.timers(), *session_, limits::kLinkSessionIdleTime);
    CO_TRY_ASSIGN(const Bytes payload, co_await net::read_frame(*session_));
    deadline.clear();
    CO_TRY_ASSIGN(wire::HostLinkDown message, wire::parse_host_link_down(payload));
    CO_TRY(take(std::move(message), on_assignments));
  }
}

Result<void> Link::take(wire::HostLinkDown message, const std::function<void(const wire::Assignments&)>& on_assignments) {
  if (const auto* list = std::get_if<wire::Assignments>(&message)) {
    on_assignments(*list);
  } else if (auto* token = std::get_if<wire::LinkToken>(&message)) {
    settle(token->id, std::move(token->token));
  } else if (const auto* refusal = std::get_if<wire::LinkTokenRefused>(&message)) {
    settle(refusal->id, refused(refusal->code));
  } else if (!std::holds_alternative<wire::Accepted>(message)) {
    return fail(Code::MESSAGE_TYPE, "session", "assignments or an answer", "another message");
  }
  return {};
}

void Link::settle(std::uint64_t id, Result<std::string> answer) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;  // it gave up waiting
  const std::shared_ptr<Pending> waiting = std::move(found->second);
  pending_.erase(found);
  waiting->answer = std::move(answer);
  waiting->arrived.notify();
}

Task<Result<void>> Link::send(const wire::HostSessionUp& message) {
  const Bytes frame = wire::write_host_link(message);
  const auto turn = co_await writing_.take();
  if (!session_) co_return fail(Code::UNREACHABLE, "caged", "a session", "none");
  co_return co_await session_->write_all(frame);
}

// What one token request leaves behind however its coroutine ends.
struct Link::Asked {
  Asked(Link& of, std::uint64_t number) : link(of), id(number), pending(std::make_shared<Pending>()) {
    link.pending_.emplace(id, pending);
    timer = link.loop_.timers().call_after(limits::kLinkAnswerTime, [this] {
      timer.reset();
      link.settle(id, fail(Code::TIMEOUT, "caged", "an answer to a token request", "none"));
    });
  }
  ~Asked() {
    if (timer) link.loop_.timers().cancel(*timer);
    link.pending_.erase(id);
  }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  Link& link;
  std::uint64_t id;
  std::shared_ptr<Pending> pending;
  std::optional<net::Timers::Queue::iterator> timer;
};

Task<Result<std::string>> Link::token(wire::Id deployment) {
  if (pending_.size() >= limits::kLinkTokensPendingMax) co_return fail(Code::LIMIT, "token requests in flight");
  const Asked asked(*this, next_id_++);
  CO_TRY(co_await send(wire::LinkTokenRequest{asked.id, deployment}));
  while (!asked.pending->answer) co_await asked.pending->arrived.wait();
  co_return std::move(*asked.pending->answer);
}

Task<void> Link::report(wire::InstanceReport report) {
  if (auto sent = co_await send(report); !sent) log::error("link.report", sent.error());
}

}  // namespace cages::host
