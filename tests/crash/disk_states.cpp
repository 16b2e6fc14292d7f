// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/disk_states.h"

#include <algorithm>
#include <functional>

#include "tests/support/tree_snapshot.h"

namespace reprieve::test {
namespace {

void write_at(std::string& bytes, std::string_view piece, std::size_t offset) {
  if (bytes.size() < offset + piece.size()) bytes.resize(offset + piece.size(), '\0');
  bytes.replace(offset, piece.size(), piece);
}

void apply(std::string& bytes, const DiskEvent& event) {
  if (event.kind == DiskEvent::Kind::truncate) {
    bytes.resize(static_cast<std::size_t>(event.offset), '\0');
  } else {
    write_at(bytes, event.bytes, static_cast<std::size_t>(event.offset));
  }
}

void apply(std::map<std::string, DiskFile>& names, const DiskEvent& event) {
  if (event.kind == DiskEvent::Kind::remove) {
    names.erase(event.name);
  } else {
    names[event.name] = event.file;
  }
}

bool by_chance(std::mt19937& random, double probability) { return std::bernoulli_distribution(probability)(random); }

// Whether the whole of something made it, nothing of it, or each piece with this probability.
double draw_probability(Loss loss, std::mt19937& random) {
  if (loss == Loss::nothing) return 1;
  if (loss == Loss::everything) return 0;
  constexpr std::array kProbabilities{0.0, 0.0, 1.0, 1.0, 0.1, 0.5, 0.9, 0.99};
  return kProbabilities.at(random() % kProbabilities.size());
}

}  // namespace

void DiskModel::play(const DiskEvent& event) {
  switch (event.kind) {
    case DiskEvent::Kind::make: files_[event.file]; [[fallthrough]];
    case DiskEvent::Kind::remove: directories_.at(event.directory).since.push_back(event); return;
    case DiskEvent::Kind::make_directory:
      directories_[event.file];
      directories_.at(event.directory).since.push_back(event);
      return;
    case DiskEvent::Kind::write:
    case DiskEvent::Kind::truncate: files_.at(event.file).since.push_back(event); return;
    case DiskEvent::Kind::sync:
      if (const auto directory = directories_.find(event.file); directory != directories_.end()) {
        for (const DiskEvent& change : directory->second.since) apply(directory->second.lasting, change);
        directory->second.since.clear();
      } else {
        File& file = files_.at(event.file);
        for (const DiskEvent& change : file.since) apply(file.lasting, change);
        file.since.clear();
      }
      return;
    case DiskEvent::Kind::mark: return;
  }
}

std::string DiskModel::bytes_after(const File& file, Loss loss, std::mt19937& random) {
  std::string bytes = file.lasting;
  const double probability = draw_probability(loss, random);
  const std::size_t piece = by_chance(random, 0.5) ? 512 : 4096;
  for (const DiskEvent& event : file.since) {
    if (event.kind == DiskEvent::Kind::truncate) {
      if (by_chance(random, probability)) apply(bytes, event);
      continue;
    }
    const auto start = static_cast<std::size_t>(event.offset);
    for (std::size_t at = start; at < start + event.bytes.size();) {
      const std::size_t end = std::min((at / piece + 1) * piece, start + event.bytes.size());
      if (by_chance(random, probability))
        write_at(bytes, std::string_view(event.bytes).substr(at - start, end - at), at);
      at = end;
    }
  }
  return bytes;
}

std::map<std::string, DiskFile> DiskModel::names_after(const Directory& directory, Loss loss, std::mt19937& random) {
  std::map<std::string, DiskFile> names = directory.lasting;
  const double probability = draw_probability(loss, random);
  std::size_t count = 0;
  while (count < directory.since.size() && by_chance(random, probability)) ++count;
  for (std::size_t i = 0; i < count; ++i) apply(names, directory.since[i]);
  return names;
}

void DiskModel::add(DiskContent& content, const std::string& path, DiskFile directory, Loss loss,
                    std::mt19937& random) const {
  for (const auto& [name, file] : names_after(directories_.at(directory), loss, random)) {
    if (directories_.contains(file)) {
      content[path + name + "/"];
      add(content, path + name + "/", file, loss, random);
    } else {
      content[path + name] = bytes_after(files_.at(file), loss, random);
    }
  }
}

DiskContent DiskModel::after_crash(Loss loss, std::mt19937& random) const {
  DiskContent content;
  add(content, "", 0, loss, random);
  return content;
}

std::uint64_t hash_of(const DiskContent& content) {
  std::uint64_t hash = 0;
  const auto mix = [&](const std::string& bytes) {
    hash = (hash ^ std::hash<std::string>()(bytes)) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 32;
  };
  for (const auto& [path, bytes] : content) {
    mix(path);
    mix(bytes);
  }
  return hash;
}

void put_on_disk(const DiskContent& content, const std::filesystem::path& top) {
  std::filesystem::create_directory(top);
  for (const auto& [path, bytes] : content) {
    if (path.ends_with('/')) {
      std::filesystem::create_directory(top / path);
    } else {
      write_file(top / path, bytes);
    }
  }
}

}  // namespace reprieve::test
