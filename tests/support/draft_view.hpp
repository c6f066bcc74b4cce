// Looks into what an actor decided.
#pragma once

#include "actors/draft.hpp"

#include <variant>
#include <vector>

namespace berth::testing {

/// The events of one kind, in order.
template <class Event>
std::vector<Event> emitted(const draft& out) {
  std::vector<Event> found;
  for (const auto& e : out.events)
    if (const auto* one = std::get_if<Event>(&e))
      found.push_back(*one);
  return found;
}

/// The messages of one kind, in order.
template <class Message>
std::vector<Message> sent(const draft& out) {
  std::vector<Message> found;
  for (const auto& m : out.messages)
    if (const auto* one = std::get_if<Message>(&m.body))
      found.push_back(*one);
  return found;
}

/// Applies those events that the actor knows.
template <class Actor>
void apply_all(Actor& actor, const draft& out) {
  for (const auto& e : out.events)
    std::visit(
        [&](const auto& one) {
          if constexpr (requires { actor.apply(one); })
            actor.apply(one);
        },
        e);
}

template <class Actor>
uint64_t hash_of(const Actor& actor) {
  state_hash hash;
  actor.add_to(hash);
  return hash.value();
}

} // namespace berth::testing
