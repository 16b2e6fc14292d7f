// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/dispatcher_attributes.h"
#include "fs/dispatcher_directories.h"
#include "fs/dispatcher_files.h"
#include "fs/dispatcher_namespace.h"
#include "fs/fuse_api.h"
#include "fs/mount_context.h"
#include "fs/request_form.h"

namespace reprieve::fs {

// Who carries out the requests of one mount.
struct Dispatchers {
  explicit Dispatchers(MountContext& context)
      : mount(context), names(context), attributes(context), files(context), directories(context) {}

  MountContext& mount;
  NamespaceDispatcher names;
  AttributesDispatcher attributes;
  FilesDispatcher files;
  DirectoriesDispatcher directories;
};

// The table that libfuse calls. Its functions find their dispatchers through the KernelChannel that is the session's
// userdata, let no exception out, and answer every request exactly once.
[[nodiscard]] const fuse_lowlevel_ops& operations();

}  // namespace reprieve::fs
