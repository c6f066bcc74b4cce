// What attempts printed, read from the files that the keeper writes.
#pragma once

#include "messages/output_source.hpp"

#include <memory>
#include <string>

namespace berth {

std::unique_ptr<output_source> make_output_files(std::string data_folder);

} // namespace berth
