// What became of the outbox messages that were sent (rule Outbox): which have
// arrived with all earlier ones, and from where on each destination is to be
// sent its messages again.
//
// Messages to one destination are sent again from one on, all behind it with
// it. Each time begins a *round*, and every sending carries its message's
// round: of a hundred sendings that fail together the first one has all sent
// again, and what comes of the others counts for nothing any more.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth {

/// One sending of one outbox message; given back with what came of it.
struct sending {
  /// Its destination, as `to_string` names it.
  std::string to;
  uint64_t message_number = 0;
  uint64_t round = 0;
};

class sendings {
public:
  /// An ownership begins: everything unrecorded is sent, and what becomes known
  /// of earlier sendings counts for nothing.
  void begin_anew();
  /// The sending of this message that begins now.
  sending begin(std::string to, uint64_t number) const;
  /// All of the destination's from this one on are about to be sent again.
  void begin_round(const std::string& to, uint64_t from);

  // What became known. `first` is the destination's earliest message that no
  // decision has recorded as delivered.

  struct arrival {
    /// It and all earlier ones have arrived.
    bool counts = false;
    /// The first to be sent again now: it overtook an earlier one, so that the
    /// receiver has passed over it.
    std::optional<uint64_t> send_again_from;
  };
  arrival on_arrived(const sending& what, uint64_t first, int64_t now_ms);
  /// The receiver says that it has all up to this one.
  arrival on_taken(const std::string& to, uint64_t up_to, uint64_t first,
                   int64_t now_ms);
  /// It is sent again, all behind it with it, after
  /// `limits::send_again_delay_ms`; unless it was sent again since.
  void on_failed(const sending& what, uint64_t first, int64_t now_ms);
  /// Nothing to it is unrecorded: what becomes known later counts for nothing.
  void forget(const std::string& to);

  // What is to be done.

  struct arrived {
    std::string to;
    uint64_t up_to = 0;
  };
  /// To be recorded by the decision that is being made.
  std::vector<arrived> take_arrived();
  /// Since when there is something to record.
  std::optional<int64_t> arrived_since_ms() const;

  struct failed {
    std::string to;
    uint64_t from = 0;
  };
  /// To be sent again now.
  std::vector<failed> take_failed(int64_t now_ms);
  std::optional<int64_t> next_due_ms() const;

private:
  uint64_t round_of(const std::string& to, uint64_t number) const;
  arrival note_arrived(const std::string& to, uint64_t up_to, int64_t now_ms);

  struct retry {
    uint64_t from = 0;
    int64_t at_ms = 0;
  };
  // By destination; none has an entry where all goes well but `arrived_`.
  std::map<std::string, uint64_t> arrived_;
  int64_t arrived_since_ms_ = 0;
  /// The first that arrived before an earlier one.
  std::map<std::string, uint64_t> overtaken_;
  std::map<std::string, retry> retries_;
  /// First message of each round, rising with it; those before are of the
  /// ownership's first round.
  std::map<std::string, std::map<uint64_t, uint64_t>> rounds_;
  uint64_t first_round_ = 0;
  uint64_t last_round_ = 0;
};

} // namespace berth
