// SPDX-License-Identifier: Apache-2.0
#include "daemon/confinement.h"

#include <cap-ng.h>
#include <linux/capability.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "daemon/system_call_filter.h"

namespace reprieve {
namespace {

// As CapabilityBoundingSet= of reprieve.service, where the reasons are.
constexpr std::array<unsigned, 3> kNeeded{CAP_CHOWN, CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN};
constexpr std::array<unsigned, 2> kForUnmounting{CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN};

constexpr auto kInHand = static_cast<capng_type_t>(CAPNG_EFFECTIVE);
constexpr auto kEverywhere = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE |
                                                       CAPNG_BOUNDING_SET | CAPNG_AMBIENT);
constexpr auto kPassedOn = static_cast<capng_type_t>(CAPNG_INHERITABLE | CAPNG_AMBIENT);

bool is_needed(unsigned capability) { return std::ranges::find(kNeeded, capability) != kNeeded.end(); }

std::string in_words(capng_type_t set) {
  std::string text;
  for (unsigned capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if (capng_have_capability(set, capability) == 0) continue;
    text += (text.empty() ? "" : ", ") + std::string(capng_capability_to_name(capability));
  }
  return text.empty() ? "none" : text;
}

// False when the kernel refused.
bool drop_capabilities(Part part) {
  capng_setpid(0);
  if (capng_get_caps_process() != 0) return false;
  for (unsigned capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    const bool kept = is_needed(capability);
    capng_update(CAPNG_DROP, kept ? kPassedOn : kEverywhere, capability);
    if (part == Part::supervisor) capng_update(CAPNG_DROP, kInHand, capability);
  }
  // What programs may get that this one starts: there are none but the next daemon's. It takes CAP_SETPCAP, which the
  // service manager has used for us already where it is missing.
  static_cast<void>(capng_apply(CAPNG_SELECT_BOUNDS));
  return capng_apply(CAPNG_SELECT_CAPS) == 0;
}

}  // namespace

void confine(Part part, RingUse rings) {
  if (!drop_capabilities(part)) {
    spdlog::warn("capabilities cannot be given up");
  }
  if (::geteuid() != 0) {
    spdlog::info("system calls are not filtered: fusermount3 could not mount then");
    return;
  }
  const Calls calls{.programs = part == Part::supervisor ? Use::needed : Use::never,
                    .rings = rings == RingUse::possible ? Use::needed : Use::never};
  if (const auto filtered = filter_system_calls(calls); !filtered) {
    spdlog::warn("system calls are not filtered: {}", reason_of(filtered.error()));
    return;
  }
  spdlog::info("confined: no new privileges, system calls filtered, {} io_uring, capabilities: {}{}",
               rings == RingUse::possible ? "with" : "without", in_words(CAPNG_PERMITTED),
               part == Part::supervisor ? " (in reserve)" : "");
}

void take_up_unmounting() {
  if (capng_get_caps_process() != 0) return;
  for (const unsigned capability : kForUnmounting) {
    if (capng_have_capability(CAPNG_PERMITTED, capability) != 0) capng_update(CAPNG_ADD, kInHand, capability);
  }
  if (capng_apply(CAPNG_SELECT_CAPS) != 0) spdlog::warn("capabilities cannot be taken up");
}

}  // namespace reprieve
