// Networks whose forward is another one in training mode, beyond norms and dropout.
#pragma once

#include "model/network.h"

namespace tl {

// Takes down the form, and leaves of the network's cuts those that are cuts in both forms.
std::shared_ptr<const TrainingForm> training_form(FlatGraph flat, Recording recording,
                                                  Analysis& analysis);

// The same for a network that got a head, whose own cuts stay.
void keep_common_cuts(const TrainingForm& form, Analysis& analysis);

// Behind it the network is the same in both forms: it is the head. None where no cut is in both.
const Cut* last_common_cut(const Analysis& analysis);

// The form with the network's tensors; those that it has beside them are not trained.
TrainingForm with_tensors_of(const Network& network, const TrainingForm& form);

// Where the node at that position of the network stands in its training form; 0 where it is not
// there.
std::size_t position_in_training(const Network& network, std::size_t position);

// One graph behind the other.
FlatGraph joined(FlatGraph front, const FlatGraph& back);

}  // namespace tl
