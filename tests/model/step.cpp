// SPDX-License-Identifier: Apache-2.0
#include "tests/model/step.h"

#include <ostream>

namespace reprieve::test {

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << '{' << static_cast<int>(step.action) << ' ' << step.a << ' ' << step.b << ' ' << step.c << ' ' << step.d
             << ' ' << step.e << '}';
}

rc::Gen<Step> any_step() {
  const auto action = rc::gen::weightedElement<Action>({{14, Action::create_file},
                                                        {4, Action::churn},
                                                        {16, Action::mkdir},
                                                        {2, Action::symlink},
                                                        {1, Action::fifo},
                                                        {5, Action::link},
                                                        {14, Action::remove},
                                                        {16, Action::rename},
                                                        {5, Action::move_to_trash},
                                                        {8, Action::move_out_of_trash},
                                                        {5, Action::remove_tree},
                                                        {2, Action::chmod},
                                                        {2, Action::write},
                                                        {2, Action::truncate},
                                                        {3, Action::set_xattr},
                                                        {1, Action::remove_xattr},
                                                        {5, Action::trash_path},
                                                        {10, Action::restore},
                                                        {2, Action::restore_session},
                                                        {2, Action::plan},
                                                        {2, Action::execute},
                                                        {3, Action::purge},
                                                        {1, Action::reopen}});
  const auto number = rc::gen::inRange<std::uint16_t>(0, 1000);
  return rc::gen::build<Step>(rc::gen::set(&Step::action, action), rc::gen::set(&Step::a, number),
                              rc::gen::set(&Step::b, number), rc::gen::set(&Step::c, number),
                              rc::gen::set(&Step::d, number), rc::gen::set(&Step::e, number));
}

}  // namespace reprieve::test
