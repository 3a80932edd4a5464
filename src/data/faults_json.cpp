#include "tl/data/faults.h"

#include <nlohmann/json.hpp>

namespace tl {

nlohmann::ordered_json to_json(const std::vector<Fault>& faults) {
  auto list = nlohmann::ordered_json::array();
  for (const Fault& fault : faults) {
    auto cases = nlohmann::ordered_json::array();
    for (const FaultCase& found : fault.cases)
      cases.push_back({{"paths", found.paths}, {"detail", found.detail}});
    list.push_back({{"kind", fault.kind},
                    {"message", fault.message},
                    {"paths", fault.examples()},
                    {"cases", cases}});
  }
  return list;
}

}  // namespace tl
