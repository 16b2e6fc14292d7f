// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

// What the service manager is told and gives (sd_notify(3), sd_listen_fds(3)). Without a service manager all of it
// does nothing.
namespace reprieve::service {

void ready(const std::string& status);
void status(const std::string& status);
void stopping();
void reloading();
void watchdog();

// How often watchdog() is to be called, none for never: half the time after which the manager acts.
[[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_interval();

// Whether this process is being stopped in order to be started again (systemctl restart), asked of systemd.
[[nodiscard]] bool restart_is_queued();

}  // namespace reprieve::service
