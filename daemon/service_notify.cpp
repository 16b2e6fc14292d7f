// SPDX-License-Identifier: Apache-2.0
#include "daemon/service_notify.h"

#include <fmt/format.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

namespace reprieve::service {
namespace {

using Message = std::unique_ptr<sd_bus_message, decltype(&::sd_bus_message_unref)>;

constexpr const char* kManager = "org.freedesktop.systemd1";

sd_bus* connect_to_manager() {
  sd_bus* bus = nullptr;
  if (::sd_bus_new(&bus) < 0) return nullptr;
  if (::sd_bus_set_address(bus, "unix:path=/run/systemd/private") >= 0 && ::sd_bus_start(bus) >= 0) return bus;
  ::sd_bus_unref(bus);
  bus = nullptr;
  return ::sd_bus_open_system(&bus) >= 0 ? bus : nullptr;
}

// The type of the job that the manager has for this process's unit; empty where there is none, or no unit.
// https://www.freedesktop.org/software/systemd/man/252/org.freedesktop.systemd1.html
std::string queued_job(sd_bus& bus) {
  sd_bus_message* message = nullptr;
  const char* unit = nullptr;
  if (::sd_bus_call_method(&bus, kManager, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                           "GetUnitByPID", nullptr, &message, "u", static_cast<std::uint32_t>(::getpid())) < 0)
    return {};
  const Message unit_answer(message, &::sd_bus_message_unref);
  if (::sd_bus_message_read(message, "o", &unit) < 0) return {};
  std::uint32_t number = 0;
  const char* job = nullptr;
  if (::sd_bus_get_property(&bus, kManager, unit, "org.freedesktop.systemd1.Unit", "Job", nullptr, &message, "(uo)") <
      0)
    return {};
  const Message job_answer(message, &::sd_bus_message_unref);
  if (::sd_bus_message_read(message, "(uo)", &number, &job) < 0 || number == 0) return {};
  char* type = nullptr;
  if (::sd_bus_get_property_string(&bus, kManager, job, "org.freedesktop.systemd1.Job", "JobType", nullptr, &type) < 0)
    return {};
  std::string text(type);
  std::free(type);
  return text;
}

// Failure means that nobody listens, and then there is nobody to tell.
void notify(const std::string& state) { static_cast<void>(::sd_notify(0, state.c_str())); }

}  // namespace

void ready(const std::string& status) { notify(fmt::format("READY=1\nSTATUS={}", status)); }
void status(const std::string& status) { notify(fmt::format("STATUS={}", status)); }
void stopping() { notify("STOPPING=1\nSTATUS=Unmounting"); }
void watchdog() { notify("WATCHDOG=1"); }

void reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1'000));
}

std::optional<std::chrono::milliseconds> watchdog_interval() {
  std::uint64_t limit = 0;
  if (::sd_watchdog_enabled(0, &limit) <= 0) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(limit)) / 2;
}

bool restart_is_queued() {
  // The manager's own socket first, which root may use and which works without a message bus, as systemctl(1) does it.
  const std::unique_ptr<sd_bus, decltype(&::sd_bus_flush_close_unref)> bus(connect_to_manager(),
                                                                           &::sd_bus_flush_close_unref);
  return bus != nullptr && queued_job(*bus) == "restart";
}

}  // namespace reprieve::service
