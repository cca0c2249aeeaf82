// SPDX-License-Identifier: Apache-2.0
#include "net/names/question.h"

#include <fcntl.h>

#include <boost/asio/io_context.hpp>
#include <utility>

#include "base/file.h"

namespace cages::net {
namespace asio = boost::asio;
namespace {

constexpr int kTryMilliseconds = 1500;  // for one server to answer; c-ares doubles it
constexpr int kTries = 3;

}  // namespace

// One socket of c-ares's, by a duplicate, because Asio closes what it is given.
struct Question::Watch {
  Watch(asio::io_context& context, ares_socket_t number) : descriptor(context), fd(number) {}
  asio::posix::stream_descriptor descriptor;
  ares_socket_t fd;
  bool readable = false;
  bool writable = false;
  bool reading = false;
  bool writing = false;
};

Question::~Question() { close(); }

Result<void> Question::open(const std::string& servers) {
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS;
  options.timeout = kTryMilliseconds;
  options.tries = kTries;
  char lookups[] = "fb";  // /etc/hosts, then DNS
  options.lookups = lookups;
  options.sock_state_cb = &Question::on_socket;
  options.sock_state_cb_data = this;
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
  int status = ares_init_options(&channel_, &options, mask);
  if (status != ARES_SUCCESS) {
    channel_ = nullptr;
    return fail(Code::IO, "resolver", "a channel", ares_strerror(status));
  }
  if (!servers.empty()) status = ares_set_servers_ports_csv(channel_, servers.c_str());
  if (status != ARES_SUCCESS) return fail(Code::USAGE, "dns_servers", "addresses", ares_strerror(status));
  return {};
}

void Question::on_socket(void* self, ares_socket_t fd, int readable, int writable) {
  static_cast<Question*>(self)->watch(fd, readable != 0, writable != 0);
}

void Question::watch(ares_socket_t fd, bool readable, bool writable) {
  auto found = watches_.find(fd);
  if (!readable && !writable) {
    if (found == watches_.end()) return;
    boost::system::error_code ignored;
    found->second->descriptor.close(ignored);
    watches_.erase(found);
    return;
  }
  if (found == watches_.end()) {
    Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    const auto made = std::make_shared<Watch>(loop_.context(), fd);
    boost::system::error_code error;
    if (copy) made->descriptor.assign(copy.get(), error);
    if (!copy || error) return;  // c-ares's own timeout ends the question
    static_cast<void>(copy.release());
    found = watches_.emplace(fd, made).first;
  }
  found->second->readable = readable;
  found->second->writable = writable;
  arm(found->second);
}

void Question::arm(const std::shared_ptr<Watch>& watch) {
  using Descriptor = asio::posix::stream_descriptor;
  const auto when = [this, &watch](bool Watch::*wanted, bool Watch::*waiting, auto kind, bool read) {
    if (!((*watch).*wanted) || (*watch).*waiting) return;
    (*watch).*waiting = true;
    watch->descriptor.async_wait(kind, [self = shared_from_this(), watch, wanted, waiting,
                                        read](boost::system::error_code error) {
      (*watch).*waiting = false;
      // race: its socket was closed, or the question was, while this waited in the loop's queue.
      if (error || !watch->descriptor.is_open() || self->channel_ == nullptr || !((*watch).*wanted)) return;
      ares_process_fd(self->channel_, read ? watch->fd : ARES_SOCKET_BAD, read ? ARES_SOCKET_BAD : watch->fd);
      if (watch->descriptor.is_open()) self->arm(watch);
      self->arm_timer();
    });
  };
  when(&Watch::readable, &Watch::reading, Descriptor::wait_read, true);
  when(&Watch::writable, &Watch::writing, Descriptor::wait_write, false);
}

void Question::arm_timer() {
  if (channel_ == nullptr || retry_) return;
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) return;
  const Nanoseconds until = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec) +
                            std::chrono::milliseconds(1);
  retry_ = loop_.timers().call_after(until, [this] {
    retry_.reset();
    if (channel_ != nullptr) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timer();
  });
}

void Question::ended(int status) {
  if (!status_) status_ = status;
  changed_.notify();
}

Task<Result<int>> Question::wait(Nanoseconds time) {
  // lifetime: keeps the question while this waits, and closes it however the wait ends.
  const struct Closing {
    std::shared_ptr<Question> question;
    ~Closing() { question->close(); }
  } closing{shared_from_this()};
  limit_ = loop_.timers().call_after(time, [this] {
    limit_.reset();
    late_ = true;
    changed_.notify();
  });
  arm_timer();
  while (!status_ && !late_) co_await changed_.wait();
  if (!status_) co_return fail(Code::TIMEOUT, "resolver");
  co_return *status_;
}

void Question::close() {
  if (retry_) loop_.timers().cancel(*retry_);
  if (limit_) loop_.timers().cancel(*limit_);
  retry_.reset();
  limit_.reset();
  // Calls back for whatever is not answered, and for each socket.
  if (ares_channel open = std::exchange(channel_, nullptr)) ares_destroy(open);
  watches_.clear();
}

}  // namespace cages::net
