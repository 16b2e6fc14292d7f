// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/crc.hpp>
#include <cstdint>

namespace reprieve {

// CRC-64/XZ, for whatever is written beside the database.
using Crc64 = boost::crc_optimal<64, 0x42F0E1EBA9EA3693, ~std::uint64_t{0}, ~std::uint64_t{0}, true, true>;

}  // namespace reprieve
