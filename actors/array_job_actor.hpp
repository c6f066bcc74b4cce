// What an array decides for its children: which of them may run, which fail
// without running, and when the whole is over (AWS reference 14, 15.7).
#pragma once

#include "actors/job_state.hpp"

#include <string>
#include <vector>

namespace berth {

struct child_run {
  int32_t first = 0;
  int32_t last = 0;
};

/// What one decision does to the children of one array: the effects of its
/// events on "is it over?" are counted here, since they are applied later.
/// `finish` comes last.
class array_changes {
public:
  array_changes(const job_state& state, const hot_entry& parent,
                const decision_context& context, draft& d);

  /// These waiting children may run from now on.
  void make_runnable(int32_t first, int32_t last);
  /// Those of them that wait fail without an attempt.
  void fail_waiting(int32_t first, int32_t last, const std::string& reason);
  /// An attempt ended the child; its event is in the draft.
  void child_ended(int32_t index, bool succeeded);
  /// Children whose dependencies say so run or fail. `settled`: a dependency's
  /// end that is not applied yet, or null.
  void settle(int32_t first, int32_t last, const dependency_ended* settled);
  /// In a sequential array the end of one child decides the next.
  void settle_after(int32_t index, bool succeeded);
  /// Ends the array when all of its children have ended.
  void finish();

private:
  dependency_outcome gate(int32_t index, const dependency_ended* settled,
                          bool previous_succeeded) const;
  void note_ended(int32_t count, bool succeeded);

  const job_state& state_;
  const hot_entry& parent_;
  const array_job& array_;
  const decision_context& context_;
  draft& draft_;
  uint32_t ended_ = 0;
  bool failed_ = false;
};

/// CancelJob or TerminateJob on the parent, its children being made.
void decide_end_of_array(const job_state& state, const hot_entry& parent,
                         bool terminate, const std::string& reason, draft& d);
/// The same on one child.
void decide_end_of_child(const job_state& state, const hot_entry& parent,
                         const end_job_call& call,
                         const decision_context& context, draft& d);
/// Goes on with ending children, as many as `steps` has room for; gives back
/// how many of them it took. What it emits has at most some 400 bytes for each.
size_t end_more_children(const job_state& state, const job_work& work,
                         size_t steps, const decision_context& context,
                         draft& d);

/// Messages that put the jobs into or take them out of their queue.
void send_enqueue(const job_state& state, const hot_entry& job, int32_t first,
                  int32_t last, const decision_context& context, draft& d);
void send_withdraw(const job_state& state, const hot_entry& job, int32_t first,
                   int32_t last, const decision_context& context, draft& d);
/// Terminates a placed job or child, once.
void decide_stop(const job_state& state, const job_key& key,
                 const std::string& reason, draft& d);

} // namespace berth
