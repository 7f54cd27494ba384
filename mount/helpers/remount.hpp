// A change of a mount that is there. Only what mount(2) can change is changed, and no program is started; whatever else
// differs from what the mount was given is refused.
//
// Thread: one; blocks. Errors: bad_argument with one line for the user.
#pragma once

#include <functional>

#include "mount/command_line.hpp"
#include "mount/mount_point.hpp"
#include "mount/outcome.hpp"

namespace spotfs::mount {

Outcome remount(const CommandLine& line);

// What the words are: all flags that the mount is to have, as mount(8) gives them, which has no word for one that is to
// go; or those alone that are to change.
enum class Given { whole, change };
Given given_by(const CommandLine& line);

// The flags of mount(2) that the mount has afterwards. `running`: the command line of its program, asked for only where
// a word needs it.
using ReadLine = std::function<spot::Answer<CommandLine>()>;
spot::Answer<unsigned long> flags_after(const MountEntry& mounted, const std::vector<OptionWord>& words, Given given,
                                        const ReadLine& running);

}  // namespace spotfs::mount
