// A queue's runnable jobs in order: per shape an ordered set of ranges. Order
// is (position, array index); a position belongs to one submission, so to one
// job or array and one shape. A single job costs about 80 bytes; the waiting
// children of an array cost one range together. Ranges that touch are always
// merged, so equal contents have one form only.
#pragma once

#include "messages/events.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace berth {

/// Children `first` to `last` - 1 of one submission. A single job is child
/// `no_index` alone: first -1, last 0.
struct runnable_range {
  queue_position position = 0;
  int32_t first = no_index;
  /// Not part of the order, so a range can shrink or grow at its end in place.
  mutable int32_t last = 0;
  job_id id;
  int64_t submitted_ms = 0;

  size_t size() const { return static_cast<size_t>(last - first); }
  /// As messages spell it.
  job_range jobs() const;

  friend bool operator<(const runnable_range& a, const runnable_range& b) {
    return std::pair{a.position, a.first} < std::pair{b.position, b.first};
  }
};

/// From a message's spelling. A senseless range comes out empty.
runnable_range make_runnable_range(const job_range& jobs,
                                   queue_position position,
                                   int64_t submitted_ms);

class runnable_jobs {
public:
  struct of_shape {
    std::set<runnable_range> ranges;
    size_t count = 0;
  };
  using shape_map = std::map<shape, of_shape>;
  /// (position, first index): where a job stands.
  using place = std::pair<queue_position, int32_t>;

  /// Adds those of the range that are not there yet.
  void add(const shape& what, const runnable_range& range);
  /// Removes those of the range that are there.
  void remove(const shape& what, queue_position position, int32_t first,
              int32_t last);
  void remove(const shape& what, const std::vector<lease_match>& matches);

  bool contains_all(const shape& what, const runnable_range& range) const;
  bool contains_any(const shape& what, const runnable_range& range) const;
  /// The first jobs of the shape, at most `limit`.
  std::vector<std::pair<job_key, queue_position>> first_of(const shape& what,
                                                           size_t limit) const;

  size_t count() const { return count_; }
  const shape_map& shapes() const { return shapes_; }
  /// The first place of each shape, in order.
  const std::map<place, const shape_map::value_type*>& heads() const {
    return heads_;
  }

  void check_invariants() const;

private:
  void erase(of_shape& jobs, queue_position position, int32_t first,
             int32_t last);
  /// Brings `heads_` up to date after the front of a shape's jobs changed.
  void rehead(shape_map::iterator at, std::optional<place> before);

  shape_map shapes_;
  std::map<place, const shape_map::value_type*> heads_;
  size_t count_ = 0;
};

/// Goes through ranges of several shapes in queue order. Opening a shape costs
/// a logarithm; shapes whose jobs all lie behind where the walk stops are never
/// opened.
class runnable_walk {
public:
  /// All shapes, from the front.
  explicit runnable_walk(const runnable_jobs& jobs);
  /// Only these shapes (pointers into `shapes()`), from the front.
  runnable_walk(
      const runnable_jobs& jobs,
      const std::vector<const runnable_jobs::shape_map::value_type*>& only);
  /// All shapes, from behind the place.
  runnable_walk(const runnable_jobs& jobs, runnable_jobs::place behind);

  /// The next range, or nothing at the end. `what` and `range` are set; the
  /// range's first index is cut where the walk began within it.
  bool next();
  const shape& what() const { return current_->shape->first; }
  const runnable_range& range() const { return range_; }

  /// How many jobs of the current shape follow the current range when no other
  /// shape does; nothing while others do. For walks from the front.
  std::optional<size_t> rest_of_only_shape() const;
  /// All jobs of the current shape.
  size_t count_of_shape() const { return current_->shape->second.count; }
  /// Skips all further jobs of the current shape.
  void leave_shape();

private:
  struct cursor {
    std::set<runnable_range>::const_iterator at;
    const runnable_jobs::shape_map::value_type* shape;
    /// Jobs of the shape gone through, the current range's among them.
    size_t seen = 0;
    runnable_jobs::place place() const { return {at->position, at->first}; }
  };
  struct later {
    bool operator()(const cursor& a, const cursor& b) const {
      return b.place() < a.place();
    }
  };
  void open(const runnable_jobs::shape_map::value_type* shape);

  const runnable_jobs& jobs_;
  std::map<runnable_jobs::place,
           const runnable_jobs::shape_map::value_type*>::const_iterator
      unopened_;
  /// A heap, the earliest first; without the current range's own cursor.
  std::vector<cursor> cursors_;
  std::optional<cursor> current_;
  runnable_range range_;
  std::optional<runnable_jobs::place> cut_;
};

} // namespace berth
