// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/base/file_descriptor.h"
#include "core/base/result.h"

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

// The listening socket that the manager opened for this process, none where it did not. Errors: invalid_argument where
// what it passed is not one listening Unix stream socket. To be called once: it takes the descriptors over.
Result<std::optional<FileDescriptor>> inherited_socket();

}  // namespace reprieve::service
