// Valid input, spoilt: what a parser must survive. Everything here draws from
// rapidcheck and so works only within a property, which shrinks what it finds.
//
// RC_ASSERT takes its expression apart, so that && and || in it evaluate both
// sides: give it a second pair of parentheses.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <rapidcheck.h>
#include <rapidcheck/catch.h>
#include <string>
#include <string_view>

namespace berth::test {

/// Up to five changes: a byte replaced (by any, or by one that means something
/// to the format: `telling`), some bytes erased, doubled or moved, the end cut.
std::string mutated_bytes(std::string good, std::string_view telling = {});

/// Up to four changes of structure: a value replaced by one of another type or
/// at the edge of its own, a member dropped, added or renamed, an element
/// repeated, a text spoilt, lists made long and nesting made deep.
nlohmann::json mutated_json(nlohmann::json good);

} // namespace berth::test
