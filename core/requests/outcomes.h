// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

// What steps of requests come to, as bytes, for the request that comes again (core/requests/once.h). Defined in
// outcomes.cpp for each type that is listed there.
namespace reprieve {

// Of what has nothing to tell but that it was done.
struct Done {};

template <typename Outcome>
std::string pack_outcome(const Outcome& outcome);
// store_damaged: not what pack_outcome() made of such a value.
template <typename Outcome>
Result<Outcome> unpack_outcome(std::string_view bytes);

}  // namespace reprieve
